#include "models/catalogue/prices.h"

#include <algorithm>

#include "models/catalogue/profile_fields.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

const Setting kKind{"kind", nullptr, "", "of price", one_of({"on_demand", "reserved", "spot"})};
const Setting kProvider{"provider", nullptr, "", "whose prices these are", words("a text")};
const Setting kMachines{"machines", nullptr, "$/h", "price of each machine, numbers from 0",
                        words("{machine: number}")};
const Reference::Entry kEntry{
    profile_section("prices", "Prices of one provider, of one kind and of one date.",
                    {kProvider, kKind, kMachines})};

}  // namespace

double PriceList::of(const Machine& machine) const {
  const auto found = per_hour.find(machine.name);
  return found == per_hour.end() ? kNoPrice : found->second;
}

PriceList load_prices(const std::string& name, const std::string& place) {
  const Json json = load_profile("profiles/prices", "price list", name, place);
  JsonReader reader(json, name);
  reader.text("summary", "");
  reader.text("source", "");
  std::string kind = kKind.choice(reader, "kind of price");
  std::replace(kind.begin(), kind.end(), '_', ' ');
  PriceList list{name, "", {}};
  list.label = short_name(name) + " (" + kProvider.text(reader) + ", " + kind + ", " +
               reader.text("date") + ")";
  JsonReader machines = reader.object(kMachines.name);
  for (const auto& item : reader.value(kMachines.name).items()) {
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
