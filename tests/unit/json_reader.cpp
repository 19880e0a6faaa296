#include "sim/base/json_reader.h"

#include "sim/base/error.h"
#include "sim/scenario/path.h"
#include "tests/catch.h"

using namespace cleave;
using Catch::Matchers::Contains;

namespace {

std::string object_with(std::size_t keys) {
  std::string text = "{";
  for (std::size_t i = 0; i < keys; ++i) {
    text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":{\"a\":1}";
  }
  return text + "}";
}

}  // namespace

TEST_CASE("an object has a bounded number of keys, which are searched one by one") {
  CHECK(parse_json(object_with(10'000), "f.json").size() == 10'000);
  CHECK_THROWS_WITH(parse_json(object_with(10'001), "f.json"),
                    Contains("f.json: an object with more than 10000 keys"));
  CHECK_THROWS_WITH(parse_json("[" + object_with(2) + "," + object_with(100'000) + "]", "f.json"),
                    Contains("more than 10000 keys"));
}

TEST_CASE("a path leads to a value or to nothing") {
  const Json document = parse_json(R"({"pools": [{"count": 3}], "a": {"b": null}})", "test");
  REQUIRE(find_path(document, "pools[0].count") != nullptr);
  CHECK(*find_path(document, "pools[0].count") == 3);
  CHECK(find_path(document, "a.b")->is_null());
  for (const char* nothing :
       {"", "pools[1].count", "pools[].count", "pools[-1]", "pools[0", "a..b", "a.", ".a", "[0]",
        "a[0]", "pools.count", "pools[0].count.x", "pools[18446744073709551616]"}) {
    INFO(nothing);
    CHECK(find_path(document, nothing) == nullptr);
  }
}

TEST_CASE("a built-in profile is the same whoever changed what he was given of it before") {
  Json first = load_profile("profiles/machines", "machine", "dgx-h100", "machine");
  const Json kept = first;
  first["gpu_count"] = 3;
  CHECK(load_profile("profiles/machines", "machine", "dgx-h100", "machine") == kept);
}
