#include "models/catalogue/prices.h"

#include <algorithm>

#include "models/catalogue/profile_fields.h"
#include "sim/base/error.h"

namespace cleave {

double PriceList::of(const Machine& machine) const {
  const auto found = per_hour.find(machine.name);
  return found == per_hour.end() ? kNoPrice : found->second;
}

PriceList load_prices(const std::string& name, const std::string& place) {
  const Json json = load_profile("profiles/prices", "price list", name, place);
  JsonReader reader(json, name);
  reader.text("summary", "");
  reader.text("source", "");
  std::string kind = reader.name("kind", "kind of price", {"on_demand", "reserved", "spot"});
  std::replace(kind.begin(), kind.end(), '_', ' ');
  PriceList list{name, "", {}};
  list.label = short_name(name) + " (" + reader.text("provider") + ", " + kind + ", " +
               reader.text("date") + ")";
  JsonReader machines = reader.object("machines");
  for (const auto& item : reader.value("machines").items()) {
    list.per_hour[item.key()] = machines.number(item.key(), kNonNegative);
  }
  if (list.per_hour.empty()) reader.fail("machines", "expected at least one, in $/hour");
  reader.finish();
  return list;
}

std::string prices_label(const Json& scenario) {
  const auto found = scenario.find("prices");
  if (found == scenario.end() || !found->is_string()) return "";
  return load_prices(found->get<std::string>(), "prices").label;
}

}  // namespace cleave
