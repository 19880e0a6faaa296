#include "traces/stack_distances.h"

#include <algorithm>
#include <numeric>

#include "sim/base/fenwick_tree.h"
#include "sim/base/random.h"
#include "tests/catch.h"

using namespace cleave;

namespace {

Request request(std::uint32_t prompt, std::uint32_t output, Content content) {
  Request made;
  made.prompt_tokens = prompt;
  made.output_tokens = output;
  made.content = std::move(content);
  return made;
}

StackDistances distances_of(std::uint32_t block_tokens, const std::vector<Request>& requests) {
  StackDistances distances(block_tokens);
  for (const Request& each : requests) distances.add(each);
  return distances;
}

/// A cache of `size` blocks, block by block: a block is all tokens up to its end.
class Lru {
 public:
  explicit Lru(std::size_t size) : size_(size) {}
  /// Gives how many blocks of the prompt were there.
  std::uint64_t serve(const std::vector<std::uint64_t>& tokens, std::uint32_t prompt,
                      std::uint32_t block_tokens) {
    const auto block = [&](std::size_t number) {
      const auto end = static_cast<std::ptrdiff_t>((number + 1) * block_tokens);
      return std::vector<std::uint64_t>(tokens.begin(), tokens.begin() + end);
    };
    std::size_t found = 0;
    while (found < (prompt - 1) / block_tokens &&
           std::find(recent_.begin(), recent_.end(), block(found)) != recent_.end()) {
      ++found;
    }
    for (std::size_t number = tokens.size() / block_tokens; number > 0; --number) {
      std::erase(recent_, block(number - 1));
      recent_.insert(recent_.begin(), block(number - 1));
    }
    recent_.resize(std::min(recent_.size(), size_));
    return found;
  }

 private:
  std::size_t size_;
  std::vector<std::vector<std::uint64_t>> recent_;  ///< first the one that was used last
};

/// Requests that begin like another before them, or go on from its reply.
std::vector<Request> related_requests(Random& random) {
  std::vector<Request> requests;
  std::uint64_t next_id = 1;
  for (int i = 0; i < 40; ++i) {
    Content content;
    if (i > 0 && random.below(4) > 0) {
      content = requests[random.below(requests.size())].content;
      cut(content, static_cast<std::uint32_t>(random.below(content.back().end + 1ULL)));
    }
    const auto before = content.empty() ? 0 : content.back().end;
    const auto prompt = static_cast<std::uint32_t>(before + 1 + random.below(12));
    const auto output = static_cast<std::uint32_t>(1 + random.below(8));
    content.push_back({prompt, next_id++});
    if (random.below(2) > 0) content.push_back({prompt + output, next_id++});
    requests.push_back(request(prompt, output, content));
  }
  return requests;
}

/// All tokens of each request that are computed, as numbers.
std::vector<std::vector<std::uint64_t>> tokens_of(const std::vector<Request>& requests) {
  std::vector<std::vector<std::uint64_t>> all;
  for (const Request& each : requests) {
    std::vector<std::uint64_t> tokens;
    for (const Extent& extent : each.content) {
      for (std::uint64_t place = 0; tokens.size() < extent.end; ++place) {
        tokens.push_back(extent.id * 1000 + place);
      }
    }
    while (tokens.size() < each.prompt_tokens + each.output_tokens) {
      tokens.push_back(1'000'000'000 + all.size() * 1000 + tokens.size());
    }
    tokens.resize(each.prompt_tokens + each.output_tokens - 1);
    all.push_back(tokens);
  }
  return all;
}

}  // namespace

TEST_CASE("A Fenwick tree has the sums of its numbers") {
  Random random(5, 1);
  FenwickTree tree;
  std::vector<std::int64_t> numbers;
  for (int i = 0; i < 200; ++i) {
    numbers.push_back(static_cast<std::int64_t>(random.below(100)));
    tree.append(numbers.back());
    const std::size_t at = random.below(numbers.size());
    const auto more = static_cast<std::int64_t>(random.below(100)) - 50;
    numbers[at] += more;
    tree.add(at, more);
    const std::size_t count = random.below(numbers.size() + 1);
    CHECK(tree.sum(count) == std::accumulate(numbers.begin(), numbers.begin() + count, 0LL));
    CHECK(tree.sum(numbers.size()) == tree.total());
  }
}

TEST_CASE("A block is found by caches that hold it and all that was used since") {
  // Ten blocks of 10 tokens, then three others, then the first four of the ten: they are the last
  // that the first request left.
  const Request first = request(101, 1, {{101, 1}});
  const Request between = request(31, 1, {{31, 2}});
  const Request again = request(41, 1, {{41, 1}});
  const StackDistances distances = distances_of(10, {first, between, again});
  CHECK(distances.hits(3) == 0);
  CHECK(distances.hits(4) == 1);
  CHECK(distances.hits(5) == 2);
  CHECK(distances.hits(7) == 4);
  CHECK(distances.hits(1000) == 4);
  CHECK(distances.enough_blocks() == 7);
  CHECK(distances.distinct_blocks() == 13);

  // The other six are behind four and three now.
  const StackDistances later = distances_of(10, {first, between, again, first});
  CHECK(later.hits(4) - distances.hits(4) == 4);
  CHECK(later.hits(7) - distances.hits(7) == 4);
  CHECK(later.hits(8) - distances.hits(8) == 5);
  CHECK(later.enough_blocks() == 13);
}

TEST_CASE("The last token of a prompt is computed, and the block that ends with it not found") {
  const Request whole = request(40, 1, {{40, 1}});
  CHECK(distances_of(10, {whole, whole}).hits(100) == 3);
  const Request longer = request(41, 1, {{41, 1}});
  CHECK(distances_of(10, {whole, longer}).hits(100) == 4);
}

TEST_CASE("Replies are found by prompts that repeat them, but for their last token") {
  const Request turn = request(20, 20, {{20, 1}, {40, 2}});
  const Request next = request(60, 1, {{20, 1}, {40, 2}, {60, 3}});
  CHECK(distances_of(10, {turn, next}).hits(100) == 3);
  const Request longer_turn = request(20, 21, {{20, 1}, {41, 2}});
  const Request longer_next = request(60, 1, {{20, 1}, {41, 2}, {60, 3}});
  CHECK(distances_of(10, {longer_turn, longer_next}).hits(100) == 4);
}

TEST_CASE("Replies that nobody knows take room") {
  const Request prompt = request(21, 1, {{21, 1}});
  const Request chatty = request(1, 50, {});
  const StackDistances distances = distances_of(10, {prompt, chatty, prompt});
  CHECK(distances.hits(5) == 0);
  CHECK(distances.hits(6) == 1);
  CHECK(distances.hits(7) == 2);
  CHECK(distances.distinct_blocks() == 7);
}

TEST_CASE("Equal ids behind unlike tokens are unlike tokens") {
  const Request one = request(41, 1, {{20, 1}, {41, 9}});
  const Request two = request(41, 1, {{20, 2}, {41, 9}});
  const Request shorter = request(41, 1, {{10, 1}, {41, 9}});
  CHECK(distances_of(10, {one, two}).hits(100) == 0);
  CHECK(distances_of(10, {one, shorter}).hits(100) == 1);
  CHECK(distances_of(10, {one, shorter, one}).hits(100) == 1 + 4);
}

TEST_CASE("Caches of every size find what a cache block by block finds") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed, 1);
    const std::vector<Request> requests = related_requests(random);
    const auto tokens = tokens_of(requests);
    const auto block_tokens = static_cast<std::uint32_t>(1 + random.below(6));
    const StackDistances distances = distances_of(block_tokens, requests);
    std::size_t largest = 0;
    for (const auto& each : tokens) largest = std::max(largest, each.size() / block_tokens);
    const auto enough = static_cast<std::size_t>(distances.enough_blocks());
    for (const std::size_t size : {largest, largest + 1, largest + 7, enough - 1, enough}) {
      if (size < largest) continue;
      Lru lru(size);
      std::uint64_t found = 0;
      for (std::size_t i = 0; i < requests.size(); ++i) {
        found += lru.serve(tokens[i], requests[i].prompt_tokens, block_tokens);
      }
      INFO("seed " << seed << ", " << size << " blocks of " << block_tokens);
      REQUIRE(distances.hits(size) == found);
    }
    CHECK(distances.hits(enough) > distances.hits(enough - 1));
  }
}
