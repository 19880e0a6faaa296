#include "tests/fuzz/mutate_json.h"

#include <random>
#include <vector>

#include "sim/base/error.h"
#include "sim/base/json_reader.h"

namespace cleave::fuzz {

namespace {

/// What readers should expect least.
const std::vector<Json> kOdd{nullptr,
                             true,
                             false,
                             0,
                             -1,
                             1,
                             0.5,
                             1e-300,
                             1e15,
                             1e300,
                             4294967296,
                             18446744073709551615U,
                             "",
                             "a",
                             Json::array(),
                             Json::object(),
                             Json::array({1})};

class Mutation {
 public:
  Mutation(Json document, unsigned seed, MutateBytes mutate)
      : document_(std::move(document)), random_(seed), mutate_(mutate) {
    collect(document_);
  }

  std::string changed() {
    Json& value = any(values_);
    const std::size_t kinds = 6;
    switch (below(kinds)) {
      case 0:
        value = any(kOdd);
        break;
      case 1:
        value = Json(any(values_));
        break;
      case 2:
        remove_from(value);
        break;
      case 3:
        add_to(value);
        break;
      case 4:
        rename_in(value);
        break;
      default:
        change_bytes(value);
    }
    return document_.dump();
  }

 private:
  void collect(Json& value) {
    values_.push_back(&value);
    if (!value.is_structured()) return;
    for (const auto& item : value.items()) {
      if (value.is_object()) keys_.push_back(item.key());
      collect(item.value());
    }
  }

  std::size_t below(std::size_t count) { return random_() % count; }
  Json& any(const std::vector<Json*>& all) { return *all[below(all.size())]; }
  template <class T>
  const T& any(const std::vector<T>& all) {
    return all[below(all.size())];
  }
  Json::iterator any_in(Json& container) {
    return std::next(container.begin(), static_cast<std::ptrdiff_t>(below(container.size())));
  }
  static bool holds_some(const Json& value) { return value.is_structured() && !value.empty(); }

  void remove_from(Json& value) {
    if (holds_some(value)) value.erase(any_in(value));
  }

  void add_to(Json& value) {
    Json copy = any(values_);
    if (value.is_array()) {
      value.push_back(std::move(copy));
    } else if (value.is_object() && !keys_.empty()) {
      value[any(keys_)] = std::move(copy);
    }
  }

  void rename_in(Json& value) {
    if (!value.is_object() || value.empty()) return;
    const auto at = any_in(value);
    Json moved = *at;
    value.erase(at);
    value[any(keys_)] = std::move(moved);
  }

  void change_bytes(Json& value) {
    constexpr std::size_t kLonger = 64;
    const bool text = value.is_string();
    std::string bytes = text ? value.get<std::string>() : value.dump();
    const std::size_t size = bytes.size();
    bytes.resize(size + kLonger);
    bytes.resize(mutate_(reinterpret_cast<std::uint8_t*>(bytes.data()), size, bytes.size()));
    Json changed = text ? Json(bytes) : Json::parse(bytes, nullptr, false);
    if (changed.is_discarded()) return;
    try {
      changed.dump();  // throws for text that is not UTF-8
      value = std::move(changed);
    } catch (const Json::type_error&) {
    }
  }

  Json document_;
  std::minstd_rand random_;
  MutateBytes mutate_;
  std::vector<Json*> values_;
  std::vector<std::string> keys_;
};

}  // namespace

std::string mutate_json(const std::string& text, unsigned seed, MutateBytes mutate) {
  try {
    return Mutation(parse_json(text, "input"), seed, mutate).changed();
  } catch (const InputError&) {
    return "";
  }
}

}  // namespace cleave::fuzz
