#include "sim/run_apart.h"

#include <filesystem>
#include <new>

#include "sim/base/child_process.h"
#include "sim/base/error.h"
#include "sim/cluster.h"
#include "sim/event_stream.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

enum class Command : std::uint8_t { kRunUntil, kRun };

/// What comes from the run between the events, with places behind theirs.
enum class Word : std::uint8_t {
  kDone = event_stream::kCount,  ///< what was asked for; what is then to be seen follows
  kInputError,                   ///< a sentence follows
  kBrokenInvariant,
  kOtherError,
  kNoMemory,
};

/// What is to be seen of the cluster.
void show(Channel& channel, const Cluster& cluster) {
  const std::vector<InstanceLoad> loads(cluster.loads().begin(), cluster.loads().end());
  std::vector<std::uint8_t> queues(loads.size());
  for (InstanceId id = 0; id < loads.size(); ++id) queues[id] = cluster.has_queue(id) ? 1 : 0;
  channel.put(Word::kDone);
  channel.put(cluster.now());
  channel.put(loads);
  channel.put(queues);
}

/// Until nobody commands any more.
void obey(Channel& channel) {
  std::filesystem::current_path(channel.take<std::string>());
  const Scenario scenario = read_scenario(Json::parse(channel.take<std::string>()));
  EventSender observer(channel);
  Cluster cluster(scenario, observer);
  show(channel, cluster);
  for (;;) {
    channel.flush();
    if (channel.take<Command>() == Command::kRunUntil) {
      const bool more = cluster.run_until(channel.take<double>());
      show(channel, cluster);
      channel.put(more);
    } else {
      const RunTotals totals = cluster.run();
      show(channel, cluster);
      channel.put(totals);
    }
  }
}

void report(Channel& channel, Word word, const std::exception& error) {
  channel.put(word);
  channel.put(std::string(error.what()));
}

void obey_and_report(Channel& channel) {
  try {
    obey(channel);
  } catch (const ChannelClosed&) {
    throw;
  } catch (const InputError& error) {
    report(channel, Word::kInputError, error);
  } catch (const BrokenInvariant& error) {
    report(channel, Word::kBrokenInvariant, error);
  } catch (const std::bad_alloc& error) {
    report(channel, Word::kNoMemory, error);
  } catch (const std::exception& error) {
    report(channel, Word::kOtherError, error);
  }
  channel.flush();
}

}  // namespace

void serve_run(int socket) noexcept {
  Channel channel(socket);
  try {
    obey_and_report(channel);
  } catch (const ChannelClosed&) {
    // Nobody wants to know any more.
  }
}

RunApart::RunApart(int socket, const Scenario& scenario, Observer& observer)
    : channel_(socket), observer_(observer) {
  channel_.put(std::filesystem::current_path().string());
  channel_.put(scenario.document.dump());
  listen();
}

bool RunApart::run_until(double time_s) {
  channel_.put(Command::kRunUntil);
  channel_.put(time_s);
  listen();
  return channel_.take<bool>();
}

RunTotals RunApart::run() {
  channel_.put(Command::kRun);
  listen();
  return channel_.take<RunTotals>();
}

void RunApart::moved(InstanceId, PoolRole) {
  throw std::logic_error("a cluster in another process takes nothing from its scheduler here");
}

// Tells what happens until what was asked for is done.
void RunApart::listen() {
  try {
    channel_.flush();
    for (;;) {
      const auto word = channel_.take<std::uint8_t>();
      if (tell_event(word, channel_, observer_)) continue;
      if (static_cast<Word>(word) == Word::kDone) return look();
      const auto sentence = channel_.take<std::string>();
      switch (static_cast<Word>(word)) {
        case Word::kInputError:
          throw InputError(sentence);
        case Word::kBrokenInvariant:
          throw BrokenInvariant(sentence);
        case Word::kNoMemory:
          throw std::bad_alloc();
        default:
          throw std::runtime_error(sentence);
      }
    }
  } catch (const ChannelClosed&) {
    throw ChildDied("the run's process has died");
  }
}

void RunApart::look() {
  channel_.take(now_s_);
  channel_.take(loads_);
  channel_.take(queues_);
}

}  // namespace cleave
