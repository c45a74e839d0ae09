#include "store/set_table.h"

namespace aero_server {

set_info* set_table::find(std::string_view name) const {
    const std::lock_guard hold(lock_);
    const auto known = by_name_.find(name);
    return known == by_name_.end() ? nullptr : known->second;
}

set_info* set_table::find_or_make(std::string_view name) {
    const std::lock_guard hold(lock_);
    if (const auto known = by_name_.find(name); known != by_name_.end()) return known->second;
    if (sets_.size() == sets_max) return nullptr;
    set_info& made = sets_.emplace_back(name);
    by_name_.emplace(made.name, &made);
    return &made;
}

std::vector<const set_info*> set_table::all() const {
    const std::lock_guard hold(lock_);
    std::vector<const set_info*> found;
    for (const set_info& set : sets_) found.push_back(&set);
    return found;
}

}  // namespace aero_server
