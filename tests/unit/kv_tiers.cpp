// KV caches behind GPU memory: what is found there, how long it takes to come, and what goes.

#include <algorithm>
#include <list>
#include <string>
#include <vector>

#include "sim/base/random.h"
#include "sim/machine/prefix_cache.h"
#include "tests/catch.h"
#include "tests/support/seen_run.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using Catch::Matchers::Contains;
using cleave::testing::mooncake_line;
using cleave::testing::real_trace;
using cleave::testing::TempFile;

namespace {

constexpr std::uint32_t kBlock = 512;
constexpr double kBlockBytes = kBlock * 131'072.0;  // of Llama-3.1-8B
constexpr double kBlockGib = 0.0625;

struct Line {
  double time_s;
  std::uint32_t prompt;
  std::vector<std::uint64_t> ids;
  std::uint32_t output = 1;
};

std::string mooncake(const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines) {
    text += mooncake_line(1e3 * line.time_s, line.prompt, line.output, line.ids);
  }
  return text;
}

/// Instances of eight GPUs, each with room for `blocks` of Llama-3.1-8B, and tiers behind them.
Json cluster(const std::string& trace, int blocks, const Json& tiers, int machines = 1) {
  Json machine = pool("mixed", machines, "dgx-h100");
  machine["tensor_parallel"] = 8;
  return {{"llm", "llama3-8b"},
          {"kv_cache",
           {{"prefix_caching", true},
            {"block_tokens", kBlock},
            {"blocks", blocks},
            {"tiers", tiers.is_object() ? Json::array({tiers}) : tiers}}},
          {"workload", {{"trace", trace}}},
          {"pools", {machine}},
          {"batching", {{"policy", "vllm"}}},
          {"scheduler", {{"policy", "round_robin"}}}};
}

Json host(double blocks, const char* write = "through") {
  return {{"tier", "host"}, {"gib", blocks * kBlockGib}, {"write", write}};
}

/// From its arrival to the start of its prompt phase.
double waited_s(const SeenRun& run, std::size_t request) {
  return run.finished[request].prompt_start_s - run.finished[request].arrival_s;
}

/// By when they were used last; the first goes first.
struct Lru {
  std::size_t capacity = 0;
  std::list<std::uint64_t> blocks;

  bool has(std::uint64_t id) const {
    return std::find(blocks.begin(), blocks.end(), id) != blocks.end();
  }
  /// What is there of the first `count`.
  void touch(const std::vector<std::uint64_t>& ids, std::size_t count) {
    for (std::size_t i = count; i-- > 0;) {
      if (!has(ids[i])) continue;
      blocks.remove(ids[i]);
      blocks.push_back(ids[i]);
    }
  }
  void put(std::uint64_t id) {
    blocks.remove(id);
    blocks.push_back(id);
    while (blocks.size() > capacity) blocks.pop_front();
  }
};

struct Found {
  std::uint32_t all, loaded;
  bool operator==(const Found&) const = default;
};

/// Block by block, request after request: an instance with room for `of_gpu` and a tier behind it.
std::vector<Found> found_by_lists(const std::vector<Line>& lines, std::size_t of_gpu,
                                  std::size_t of_tier, bool write_back) {
  Lru gpu{of_gpu, {}};
  Lru tier{of_tier, {}};
  std::vector<Found> found;
  for (const Line& line : lines) {
    const std::vector<std::uint64_t> whole(line.ids.begin(),
                                           line.ids.begin() + line.prompt / kBlock);
    const std::size_t most = (line.prompt - 1) / kBlock;
    std::size_t here = 0;
    while (here < most && gpu.has(whole[here])) ++here;
    std::size_t all = here;
    while (all < most && tier.has(whole[all])) ++all;
    const auto make_room = [&](std::size_t used, std::size_t needed) {
      for (std::size_t i = 0; i < used; ++i) gpu.blocks.remove(whole[i]);
      std::vector<std::uint64_t> written;
      while (gpu.blocks.size() + needed > gpu.capacity) {
        const std::uint64_t gone = gpu.blocks.front();
        gpu.blocks.pop_front();
        if (write_back && !tier.has(gone)) written.push_back(gone);
        if (write_back) tier.touch({gone}, 1);
      }
      for (const std::uint64_t id : written) tier.put(id);
    };
    const auto leave = [&](std::size_t count) {
      for (std::size_t i = count; i-- > 0;) {
        gpu.blocks.remove(whole[i]);
        gpu.blocks.push_back(whole[i]);
      }
    };
    if (all > here) {
      tier.touch(whole, all);
      make_room(here, all);
      leave(all);
    }
    tier.touch(whole, all);
    make_room(all, (line.prompt + kBlock - 1) / kBlock);
    const bool computed = std::any_of(whole.begin() + static_cast<std::ptrdiff_t>(all), whole.end(),
                                      [&](std::uint64_t id) { return !gpu.has(id); });
    if (!write_back && computed) {
      for (std::size_t i = whole.size(); i-- > 0;) tier.put(whole[i]);
    }
    leave(whole.size());
    found.push_back({static_cast<std::uint32_t>(all * kBlock),
                     static_cast<std::uint32_t>((all - here) * kBlock)});
  }
  return found;
}

std::vector<Found> found(const SeenRun& run) {
  std::vector<Found> all;
  for (const FinishedRequest& request : run.finished) {
    all.push_back({request.cached_tokens, request.loaded_tokens});
  }
  return all;
}

/// Conversations that go on, branch and end.
std::vector<Line> random_lines(std::uint64_t seed, std::size_t count) {
  Random random(seed, 0);
  std::vector<Line> lines;
  std::uint64_t fresh = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Line line{100.0 * static_cast<double>(i), 0, {}};
    if (i > 0 && random.below(5) > 0) {
      line.ids = lines[i - 1 - random.below(std::min<std::size_t>(i, 12))].ids;
      line.ids.resize(1 + random.below(line.ids.size()));
    }
    const std::size_t more = 1 + random.below(4);
    while (line.ids.size() < 15 && line.ids.size() < more + i % 9) line.ids.push_back(++fresh);
    if (line.ids.empty()) line.ids.push_back(++fresh);
    const auto full = static_cast<std::uint32_t>(line.ids.size()) * kBlock;
    line.prompt = full - static_cast<std::uint32_t>(random.below(2) == 0 ? 0 : random.below(500));
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

TEST_CASE("tiers: what GPU memory lost is loaded, and the prompt waits for it") {
  const TempFile trace(mooncake(
      {{0, 1024, {1, 2}}, {100, 1536, {3, 4, 5}}, {200, 1500, {1, 2, 6}}, {300, 700, {9, 10}}}));
  Json tier = host(100);
  tier["gb_per_s"] = 1;  // of each of eight GPUs
  tier["latency_s"] = 0.5;
  const SeenRun run = see(cluster(trace.path(), 4, tier));
  CHECK(found(run) == std::vector<Found>{{0, 0}, {0, 0}, {1024, 512}, {0, 0}});
  CHECK(waited_s(run, 2) - waited_s(run, 1) == Approx(0.5 + kBlockBytes / 8e9).epsilon(1e-9));
  const auto loads = std::count_if(run.tier_moves.begin(), run.tier_moves.end(),
                                   [](const TierMove& move) { return move.load; });
  CHECK(loads == 1);
  const Json& of_host = run.summary["tiers"][0];
  CHECK(of_host["tier"] == "host");
  CHECK(of_host["loaded_tokens"] == 512);
  CHECK(of_host["loaded_bytes"] == kBlockBytes);
  CHECK(of_host["written_bytes"] == 5 * kBlockBytes);  // the run ends before the last is
  CHECK(of_host["load"]["mean"].get<double>() == Approx(0.5 + kBlockBytes / 8e9));
  CHECK(run.summary["prefix_cache"]["hit_tokens"] == 1024);
  CHECK(run.summary["prefix_cache"]["loaded_tokens"] == 512);
}

TEST_CASE("tiers: what is used longest ago goes first, as in plain lists of blocks") {
  const auto seed = GENERATE(1, 2, 3, 4, 5, 6);
  const bool back = GENERATE(false, true);
  const std::vector<Line> lines = random_lines(static_cast<std::uint64_t>(seed), 250);
  const TempFile trace(mooncake(lines));
  Json tier = host(40, back ? "back" : "through");
  tier["write_gb_per_s"] = 1e6;
  const SeenRun run = see(cluster(trace.path(), 20, tier));
  const std::vector<Found> expected = found_by_lists(lines, 20, 40, back);
  INFO("seed " << seed << (back ? ", back" : ", through"));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    INFO(i);
    CHECK(run.finished[i].cached_tokens == expected[i].all);
    CHECK(run.finished[i].loaded_tokens == expected[i].loaded);
  }
  CHECK(std::count_if(expected.begin(), expected.end(),
                      [](const Found& each) { return each.loaded > 0; }) > 20);
}

TEST_CASE("tiers: written through, they find what one cache of their size would") {
  const std::vector<Line> lines = random_lines(7, 300);
  const TempFile trace(mooncake(lines));
  const SeenRun tiered = see(cluster(trace.path(), 16, host(50)));
  const SeenRun large = see(cluster(trace.path(), 50, Json::array()));
  const SeenRun small = see(cluster(trace.path(), 16, Json::array()));
  const auto hits = [](const SeenRun& run) {
    return run.summary["prefix_cache"]["hit_tokens"].get<double>();
  };
  CHECK(hits(tiered) == Approx(hits(large)).epsilon(0.02));
  CHECK(hits(tiered) > 1.3 * hits(small));
}

TEST_CASE("tiers: behind the host's memory a disk takes what that throws out, or all") {
  const auto write = GENERATE(std::string("through"), std::string("back"));
  const std::vector<Line> lines = random_lines(8, 200);
  const TempFile trace(mooncake(lines));
  const Json disk{{"tier", "disk"}, {"gib", 1000 * kBlockGib}, {"write", write}};
  const SeenRun run = see(cluster(trace.path(), 16, {host(20, write.c_str()), disk}));
  const SeenRun unlimited = see(cluster(trace.path(), 5000, Json::array()));
  // Nothing is lost, but what comes back in another order than it was computed: beyond a gap.
  for (std::size_t i = 0; i < lines.size(); ++i) {
    INFO(i);
    CHECK(run.finished[i].cached_tokens == unlimited.finished[i].cached_tokens);
  }
  const Json& tiers = run.summary["tiers"];
  CHECK(tiers[0]["loaded_tokens"].get<double>() > 0);
  CHECK(tiers[1]["loaded_tokens"].get<double>() > 0);
  CHECK(tiers[0]["loaded_tokens"].get<double>() + tiers[1]["loaded_tokens"].get<double>() ==
        run.summary["prefix_cache"]["loaded_tokens"].get<double>());
}

TEST_CASE("tiers: the instances of a machine wait for one another at its disks") {
  const TempFile trace(mooncake({{0, 1024, {1, 2}},
                                 {10, 1024, {3, 4}},
                                 {100, 1536, {5, 6, 7}},
                                 {110, 1536, {8, 9, 10}},
                                 {200, 1500, {1, 2, 11}},
                                 {200, 1500, {3, 4, 12}}}));
  const Json disk{{"tier", "disk"}, {"gib", 100}, {"gb_per_s", 1}, {"latency_s", 0.25}};
  Json changes = cluster(trace.path(), 4, disk);
  changes["pools"][0]["tensor_parallel"] = 4;
  const SeenRun run = see(changes);
  REQUIRE(run.finished[4].prompt_instance != run.finished[5].prompt_instance);
  CHECK(run.finished[4].loaded_tokens == 512);
  const double alone_s = 0.25 + kBlockBytes / 1e9;
  CHECK(waited_s(run, 4) - waited_s(run, 3) == Approx(alone_s));
  CHECK(waited_s(run, 5) - waited_s(run, 3) == Approx(2 * alone_s));
}

TEST_CASE("tiers: of a store all find what any has computed, as flows of the fabric") {
  const Json store{{"tier", "store"}, {"gib", 100}, {"gb_per_s", 1}, {"latency_s", 0.25}};
  const TempFile trace(mooncake({{0, 1024, {1, 2}},
                                 {0, 1024, {3, 4}},
                                 {100, 1500, {3, 4, 5}},
                                 {200, 1500, {1, 2, 5}},
                                 {300, 1500, {7, 8, 9}},
                                 {300, 1500, {10, 11, 12}},
                                 {400, 1500, {10, 11, 6}},
                                 {400, 1500, {7, 8, 6}}}));
  const SeenRun run = see(cluster(trace.path(), 100, store, 2));
  CHECK(
      found(run) ==
      std::vector<Found>{
          {0, 0}, {0, 0}, {1024, 1024}, {1024, 1024}, {0, 0}, {0, 0}, {1024, 1024}, {1024, 1024}});
  const double latency_s = 0.25 + 2e-6;
  CHECK(waited_s(run, 2) - waited_s(run, 0) == Approx(latency_s + 2 * kBlockBytes / 1e9));
  // Two at once share the store's link.
  CHECK(waited_s(run, 6) - waited_s(run, 0) == Approx(latency_s + 4 * kBlockBytes / 1e9));
  CHECK(waited_s(run, 7) - waited_s(run, 0) == Approx(latency_s + 4 * kBlockBytes / 1e9));
  // What the network carried is what the tier says.
  const auto carried = [&](const std::string& name) {
    for (const Json& link : run.summary["links"]) {
      if (link["link"] == name) return link["bytes"].get<double>();
    }
    return -1.0;
  };
  const Json& tier = run.summary["tiers"][0];
  CHECK(carried("store-nic-up") == Approx(tier["loaded_bytes"].get<double>()).epsilon(1e-9));
  CHECK(carried("store-nic-up") == Approx(8 * kBlockBytes).epsilon(1e-9));
  CHECK(carried("store-nic-down") == Approx(8 * kBlockBytes).epsilon(1e-9));
}

TEST_CASE("tiers: where the way to the store is cut, prompts are computed") {
  const Json store{{"tier", "store"}, {"gib", 100}, {"gb_per_s", 1}};
  const TempFile trace(mooncake({{0, 1024, {1, 2}}, {100, 1500, {1, 2, 5}}, {300, 700, {9, 8}}}));
  Json changes = cluster(trace.path(), 100, store, 2);
  const auto at_s = GENERATE(50.0, 100.1);
  INFO(at_s);
  changes["faults"] = {
      {{"at_s", at_s}, {"action", "scale_link"}, {"link", "store-nic-up"}, {"share", 0}},
      {{"at_s", 200}, {"action", "scale_link"}, {"link", "store-nic-up"}, {"share", 1}}};
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 3);
  CHECK(run.finished[1].cached_tokens == 0);
  CHECK(run.finished[1].first_token_s < 101);
}

TEST_CASE("tiers: what is on its way is not written again") {
  std::vector<Line> lines;
  for (int i = 0; i < 4; ++i) lines.push_back({0, 4200, {1, 2, 3, 4, 5, 6, 7, 8, 100}});
  lines.push_back({1000, 700, {9, 10}});
  const TempFile trace(mooncake(lines));
  Json tier = host(100);
  tier["write_gb_per_s"] = 0.005;  // of each of eight GPUs: 1.7 s a block
  Json changes = cluster(trace.path(), 100, tier);
  changes["batching"]["max_num_batched_tokens"] = 1024;
  const SeenRun run = see(changes);
  CHECK(run.summary["tiers"][0]["written_bytes"] == 8 * kBlockBytes);
}

TEST_CASE("tiers: a machine that stops loses its memory and keeps its disks") {
  const TempFile trace(mooncake({{0, 1024, {1, 2}}, {100, 1500, {1, 2, 3}}}));
  const Json disk{{"tier", "disk"}, {"gib", 100}};
  const auto action = GENERATE(std::string("stop"), std::string("drain"));
  INFO(action);
  const auto found_after_stop = [&](const Json& tiers) {
    Json changes = cluster(trace.path(), 100, tiers);
    changes["faults"] = {{{"at_s", 50}, {"action", action}, {"machine", 0}},
                         {{"at_s", 60}, {"action", "start"}, {"machine", 0}}};
    return see(changes).finished[1].cached_tokens;
  };
  CHECK(found_after_stop(host(100)) == 0);
  CHECK(found_after_stop(disk) == 1024);
  CHECK(found_after_stop({host(100), disk}) == 1024);
}

TEST_CASE("tiers: a long prompt of which little is missing does not wait for an empty batch") {
  std::vector<Line> lines{{0, 4096, {1, 2, 3, 4, 5, 6, 7, 8}}};
  for (int i = 0; i < 12; ++i) {
    lines.push_back({10.0 + 10 * i, 3600, {}});
    for (int block = 0; block < 8; ++block) lines.back().ids.push_back(100 + 8 * i + block);
  }
  lines.push_back({200, 100, {77}, 2000});  // decodes for long
  lines.push_back({201, 4200, {1, 2, 3, 4, 5, 6, 7, 8, 9}});
  const TempFile trace(mooncake(lines));
  Json changes = cluster(trace.path(), 40, host(200));
  changes["batching"] = {{"policy", "trtllm"}, {"max_num_tokens", 4200}};
  const SeenRun run = see(changes);
  CHECK(run.finished[14].loaded_tokens > 3000);
  CHECK(run.finished[14].completion_s < run.finished[13].completion_s);
}

TEST_CASE("tiers: a machine that stops while it loads begins again elsewhere") {
  const TempFile trace(mooncake({{0, 1024, {1, 2}},
                                 {20, 1536, {3, 4, 5}},
                                 {40, 1536, {6, 7, 8}},
                                 {60, 1536, {9, 10, 11}},
                                 {100, 1500, {1, 2, 12}},
                                 {200, 1500, {1, 2, 13}}}));
  Json tier = host(100);
  tier["latency_s"] = 5;
  Json changes = cluster(trace.path(), 4, tier, 2);
  changes["faults"] = {{{"at_s", 102}, {"action", "stop"}, {"machine", 0}}};
  const SeenRun run = see(changes);
  REQUIRE(run.finished.size() == 6);
  CHECK(run.finished[4].restarts == 1);
  CHECK(run.finished[4].cached_tokens == 0);
  CHECK(run.finished[4].prompt_instance == 1);
}

TEST_CASE("tiers: behind real conversations they find what their size promises") {
  const auto file = real_trace("mooncake_conversation.jsonl");
  if (!file) return;
  Json changes = cluster(*file, 4000, host(64'000));
  changes["workload"]["rate_scale"] = 0.0001;
  const SeenRun run = see(changes);
  const auto hits = run.summary["prefix_cache"]["hit_tokens"].get<double>();
  CHECK(hits == Approx(53'034'496).epsilon(0.001));  // of one cache of 64,000 blocks
  CHECK(run.summary["prefix_cache"]["loaded_tokens"].get<double>() > 0.7 * hits);
}

TEST_CASE("tiers: what cannot be is refused in a sentence") {
  const TempFile trace(mooncake({{0, 1024, {1, 2}}}));
  const auto refusal = [&](const Json& tiers, const char* machine = "dgx-h100",
                           bool caching = true) {
    Json changes = cluster(trace.path(), 100, tiers);
    changes["pools"][0]["machine"] = machine;
    changes["kv_cache"]["prefix_caching"] = caching;
    try {
      read_scenario(complete_scenario(changes));
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal(host(10)).empty());
  CHECK_THAT(refusal(host(10), "dgx-h100", false), Contains("kv_cache.tiers: are behind"));
  CHECK_THAT(refusal({{{"tier", "disk"}}, {{"tier", "host"}}}),
             Contains("kv_cache.tiers[1].tier: expected each at most once"));
  CHECK_THAT(refusal({{"tier", "host"}, {"gib", 10}}, "8x-l40s"),
             Contains("kv_cache.tiers[0].gb_per_s: expected a number") && Contains("8x-l40s"));
  CHECK_THAT(refusal({{"tier", "store"}, {"gb_per_s", 10}}),
             Contains("kv_cache.tiers[0].gib: expected a number"));
  CHECK_THAT(refusal({{"tier", "store"}, {"gib", 9}, {"gb_per_s", 1}, {"write_gb_per_s", 1}}),
             Contains("write_gb_per_s") && Contains("both ways"));
  CHECK_THAT(refusal({{"tier", "host"}, {"write", "around"}}), Contains("through"));
  CHECK_THAT(refusal({{"tier", "tape"}}), Contains("\"tape\""));
  Json credits = cluster(trace.path(), 100, host(10));
  credits["scheduler"] = {{"policy", "dynamo_kv"}, {"host_credit", 0.5}};
  CHECK_NOTHROW(read_scenario(complete_scenario(credits)));
  credits["scheduler"]["store_credit"] = 0.5;
  CHECK_THROWS_WITH(read_scenario(complete_scenario(credits)),
                    Contains("scheduler.store_credit: has no meaning without a tier \"store\""));
  Json piped = cluster(trace.path(), 100, {{"tier", "store"}, {"gib", 9}, {"gb_per_s", 1}});
  piped["fabric"] = {{"topology", "pipe"}};
  CHECK_THROWS_WITH(read_scenario(complete_scenario(piped)), Contains("a store is reached over"));
}

TEST_CASE("tiers: blocks come in any order; none stay beyond a gap") {
  PrefixCache cache(1);
  const Content content{{4, 11}, {10, 12}};  // four blocks, then six
  const auto there = [&](std::uint32_t from) { return cache.find(content, from, 10).blocks; };
  cache.put(content, 7, 10);
  CHECK(there(0) == 0);
  CHECK(there(7) == 3);
  cache.put(content, 4, 7);
  CHECK(there(4) == 6);
  cache.put(content, 0, 4);
  CHECK(there(0) == 10);
  CHECK(cache.unused() == 10);
  cache.evict(3);  // of what came first, the last
  CHECK(there(0) == 7);
  cache.put(content, 9, 10);  // behind a gap
  CHECK(cache.unused() == 7);
  CHECK(there(9) == 0);
  std::vector<BlockRun> gone;
  cache.evict(5, [&](const BlockRun& run) { gone.push_back(run); });
  CHECK(cache.unused() == 2);
  REQUIRE(gone.size() == 2);
  CHECK(gone[0].id == 12);
  CHECK(gone[0].blocks() == 3);
  CHECK(gone[1].id == 11);
  CHECK(gone[1].from == 2);
  cache.put(content, 8, 10);
  cache.put(content, 4, 6);  // a gap before what is there
  CHECK(there(8) == 0);
  CHECK(there(4) == 2);
  CHECK(cache.unused() == 4);
}
