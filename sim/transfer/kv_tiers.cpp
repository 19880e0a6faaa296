#include "sim/transfer/kv_tiers.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace cleave {

KvTiers::KvTiers(const std::vector<TieredInstance>& all, std::uint32_t block_tokens,
                 InstanceId store, Clock& clock, const RequestTable& requests,
                 std::vector<Instance>& instances, Fabric& fabric, Observer& observer)
    : block_tokens_(block_tokens),
      clock_(clock),
      requests_(requests),
      instances_(instances),
      fabric_(fabric),
      observer_(observer),
      levels_(all.size()),
      lives_(all.size()) {
  std::map<std::uint32_t, std::pair<std::uint32_t, std::uint32_t>> of_disks;  // lanes, by machine
  std::uint32_t in_store = 0;                                                 // its place, from 1
  const auto new_place = [&](const TierRoom& room) {
    const double blocks = room.bytes / (room.bytes_per_token * block_tokens_);
    places_.emplace_back(block_tokens_, static_cast<std::uint64_t>(blocks));
    return static_cast<std::uint32_t>(places_.size() - 1);
  };
  for (InstanceId id = 0; id < all.size(); ++id) {
    for (const TierRoom& room : all[id].tiers) {
      Level level{room};
      if (room.tier == Tier::kStore) {
        if (in_store == 0) in_store = new_place(room) + 1;
        level.place = in_store - 1;
        level.reads = new_lane(0, store, id);
        level.writes = new_lane(0, id, store);
      } else {
        level.place = new_place(room);
        const auto found = of_disks.find(all[id].machine);
        if (room.tier == Tier::kDisk && found != of_disks.end()) {
          std::tie(level.reads, level.writes) = found->second;
        } else {
          level.reads = new_lane(room.read_bytes_per_s, id, id);
          level.writes = new_lane(room.write_bytes_per_s, id, id);
          if (room.tier == Tier::kDisk) of_disks[all[id].machine] = {level.reads, level.writes};
        }
      }
      levels_[id].push_back(level);
    }
  }
}

std::uint32_t KvTiers::new_lane(double bytes_per_s, InstanceId from, InstanceId to) {
  Lane lane;
  lane.bytes_per_s = bytes_per_s;
  lane.from = from;
  lane.to = to;
  lanes_.push_back(std::move(lane));
  return static_cast<std::uint32_t>(lanes_.size() - 1);
}

// What is there of the blocks [from, to) without a gap, each run of them from the fastest tier.
template <class Visit>
void KvTiers::walk(InstanceId instance, const Content& content, std::uint32_t from,
                   std::uint32_t to, Visit visit) const {
  const std::vector<Level>& levels = levels_[instance];
  const auto count = static_cast<std::uint32_t>(levels.size());
  for (std::uint32_t level = 0; from < to && level < count;) {
    const std::uint32_t blocks = place(levels[level]).blocks.find(content, from, to).blocks;
    if (blocks == 0) {
      ++level;
      continue;
    }
    visit(level, from, from + blocks);
    from += blocks;
    level = 0;
  }
}

std::uint32_t KvTiers::find(InstanceId instance, const Content& content, std::uint32_t from,
                            std::uint32_t to) const {
  std::uint32_t blocks = 0;
  walk(instance, content, from, to,
       [&](std::uint32_t, std::uint32_t begin, std::uint32_t end) { blocks += end - begin; });
  return blocks;
}

TierTokens KvTiers::found(InstanceId instance, const Content& content, std::uint32_t from,
                          std::uint32_t to) const {
  TierTokens tokens;
  walk(instance, content, from, to,
       [&](std::uint32_t level, std::uint32_t begin, std::uint32_t end) {
         tokens[levels_[instance][level].room.tier] += (end - begin) * block_tokens_;
       });
  return tokens;
}

void KvTiers::load(InstanceId instance, RequestId request, const Content& content,
                   std::uint32_t from, std::uint32_t to) {
  used(instance, content, to);
  if (request >= loads_.size()) loads_.resize(requests_.states.size());
  Load& load = loads_[request];
  load = {++load_count_, from, to, 0};
  walk(instance, content, from, to,
       [&](std::uint32_t level, std::uint32_t begin, std::uint32_t end) {
         const std::uint32_t lane = levels_[instance][level].reads;
         Job& job = enqueue(lane, instance, level, content, begin, end);
         job.request = request;
         job.load = load.number;
         ++load.jobs;
         if (lanes_[lane].jobs.size() == 1) begin_lane(lane);
       });
}

void KvTiers::drop(RequestId request) { loads_[request].number = 0; }

void KvTiers::used(InstanceId instance, const Content& content, std::uint32_t blocks) {
  for (const Level& level : levels_[instance]) place(level).blocks.put(content, blocks, blocks);
}

void KvTiers::came(InstanceId instance, const Content& content, std::uint32_t blocks) {
  if (!levels_[instance].front().room.write_back) write(instance, 0, content, 0, blocks);
}

void KvTiers::went(InstanceId instance, const BlockRun& run) {
  if (!levels_[instance].front().room.write_back) return;
  const Content content{{run.to * block_tokens_, run.id}};
  write(instance, 0, content, run.from, run.to);
}

// What is there already need not be written; it was used now.
void KvTiers::write(InstanceId instance, std::uint32_t level, const Content& content,
                    std::uint32_t from, std::uint32_t to) {
  const Level& target = levels_[instance][level];
  from += place(target).blocks.find(content, from, to).blocks;
  if (from == to) {
    place(target).blocks.put(content, to, to);
    return;
  }
  enqueue(target.writes, instance, level, content, from, to);
  if (lanes_[target.writes].jobs.size() == 1) begin_lane(target.writes);
}

// Blocks have come to a level: those used longest ago have to go from there where it is full.
void KvTiers::put(InstanceId instance, std::uint32_t level, const Content& content,
                  std::uint32_t from, std::uint32_t to) {
  Place& here = place(levels_[instance][level]);
  here.blocks.put(content, from, to);
  if (here.blocks.unused() <= here.capacity) return;
  const bool goes_on =
      level + 1 < levels_[instance].size() && levels_[instance][level + 1].room.write_back;
  here.blocks.evict(here.blocks.unused() - here.capacity, [&](const BlockRun& run) {
    const Content gone{{run.to * block_tokens_, run.id}};
    if (goes_on) write(instance, level + 1, gone, run.from, run.to);
  });
}

KvTiers::Job& KvTiers::enqueue(std::uint32_t lane, InstanceId instance, std::uint32_t level,
                               const Content& content, std::uint32_t from, std::uint32_t to) {
  std::uint32_t id = 0;
  if (free_jobs_.empty()) {
    id = static_cast<std::uint32_t>(jobs_.size());
    jobs_.emplace_back();
  } else {
    id = free_jobs_.back();
    free_jobs_.pop_back();
  }
  Job& job = jobs_[id];
  job.instance = instance;
  job.level = level;
  job.life = lives_[instance];
  job.request = kNoRequest;
  job.content.assign(content.begin(), content.end());
  job.from = from;
  job.to = to;
  job.asked_s = clock_.now();
  lanes_[lane].jobs.push_back(id);
  return job;
}

bool KvTiers::wanted(const Job& job) const {
  if (job.request != kNoRequest) return loads_[job.request].number == job.load;
  return lives_[job.instance] == job.life;
}

double KvTiers::bytes_of(const Job& job) const {
  return (job.to - job.from) * block_tokens_ *
         levels_[job.instance][job.level].room.bytes_per_token;
}

// Somebody still wants it, and writes have blocks that are not there by now.
bool KvTiers::is_needed(Job& job) {
  if (!wanted(job)) return false;
  if (job.request != kNoRequest) return true;
  const Level& level = levels_[job.instance][job.level];
  job.from += place(level).blocks.find(job.content, job.from, job.to).blocks;
  return job.from < job.to;
}

// The first that is needed.
void KvTiers::begin_lane(std::uint32_t index) {
  Lane& lane = lanes_[index];
  while (!lane.jobs.empty() && !is_needed(jobs_[lane.jobs.front()])) {
    free_jobs_.push_back(lane.jobs.front());
    lane.jobs.pop_front();
  }
  if (lane.jobs.empty()) return;
  const Job& job = jobs_[lane.jobs.front()];
  const double latency_s = levels_[job.instance][job.level].room.latency_s;
  if (lane.bytes_per_s > 0) {
    const double end_s = clock_.now() + latency_s + bytes_of(job) / lane.bytes_per_s;
    lane.event = clock_.at<&KvTiers::moved>(end_s, this, index);
  } else {
    lane.event = clock_.at<&KvTiers::latency_over>(clock_.now() + latency_s, this, index);
  }
}

void KvTiers::latency_over(std::uint64_t index) {
  Lane& lane = lanes_[index];
  lane.event = kNoEvent;
  if (fabric_.is_cut(lane.from, lane.to)) {
    end_first(static_cast<std::uint32_t>(index), false);
    return;
  }
  const double bytes = bytes_of(jobs_[lane.jobs.front()]);
  lane.transfer = fabric_.start(lane.from, lane.to, bytes, 0, *this, index);
}

void KvTiers::moved(std::uint64_t index) {
  lanes_[index].event = kNoEvent;
  end_first(static_cast<std::uint32_t>(index), true);
}

void KvTiers::transfer_done(std::uint64_t tag) {
  lanes_[tag].transfer = kNoTransfer;
  end_first(static_cast<std::uint32_t>(tag), true);
}

void KvTiers::transfer_failed(std::uint64_t tag) {
  lanes_[tag].transfer = kNoTransfer;
  end_first(static_cast<std::uint32_t>(tag), false);
}

void KvTiers::end_first(std::uint32_t index, bool whole) {
  // What it leads to waits behind it, and the next knows what has come.
  const std::uint32_t id = lanes_[index].jobs.front();
  finish(jobs_[id], whole);
  lanes_[index].jobs.pop_front();
  free_jobs_.push_back(id);
  begin_lane(index);
}

void KvTiers::finish(const Job& job, bool whole) {
  const TierRoom& room = levels_[job.instance][job.level].room;
  if (whole) {
    observer_.tier_moved({room.tier, job.instance, job.request != kNoRequest, job.asked_s,
                          clock_.now(), (job.to - job.from) * block_tokens_, bytes_of(job)});
  }
  if (!wanted(job)) return;
  if (job.request == kNoRequest) {
    if (!whole) return;
    put(job.instance, job.level, job.content, job.from, job.to);
    const std::uint32_t next = job.level + 1;
    if (next < levels_[job.instance].size() && !levels_[job.instance][next].room.write_back) {
      write(job.instance, next, job.content, job.from, job.to);
    }
    return;
  }
  Load& load = loads_[job.request];
  if (whole) {
    // It stays in the faster tiers that it came through.
    for (std::uint32_t level = job.level; level-- > 0;) {
      put(job.instance, level, job.content, job.from, job.to);
    }
  } else {
    load.to = std::min(load.to, job.from);
  }
  if (--load.jobs > 0) return;
  load.number = 0;
  instances_[job.instance].loaded(job.request, load.to - load.from);
}

void KvTiers::stopped(InstanceId instance) {
  ++lives_[instance];
  for (const Level& level : levels_[instance]) {
    if (level.room.tier != Tier::kHost) continue;
    place(level).blocks.evict(place(level).blocks.unused());
  }
}

bool KvTiers::give_up_flows() {
  std::vector<std::uint32_t> given_up;
  for (std::uint32_t index = 0; index < lanes_.size(); ++index) {
    if (lanes_[index].transfer != kNoTransfer) given_up.push_back(index);
  }
  for (const std::uint32_t index : given_up) {
    fabric_.cancel(lanes_[index].transfer);
    transfer_failed(index);
  }
  return !given_up.empty();
}

void KvTiers::end() {
  for (Lane& lane : lanes_) {
    clock_.cancel(lane.event);
    if (lane.transfer != kNoTransfer) fabric_.cancel(std::exchange(lane.transfer, kNoTransfer));
    lane.jobs.clear();
  }
}

}  // namespace cleave
