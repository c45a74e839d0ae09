// The sets of one namespace. A set is made by the first record written to it and lives as long as its store, so that
// records may point at it. Looking one up takes a lock and happens only when a record is created.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace aero_server {

struct set_info {
    explicit set_info(std::string_view set_name) : name(set_name) {}

    const std::string name;
    std::atomic<uint64_t> objects{0};
    std::atomic<uint64_t> data_bytes{0};
    std::atomic<uint64_t> truncated_before_ms{0};  // records updated earlier are gone
};

inline constexpr size_t sets_max = 4095;

class set_table {
  public:
    // Null when there are as many sets as a namespace may have. REQUIRES: name is not empty
    set_info* find_or_make(std::string_view name);
    set_info* find(std::string_view name) const;
    std::vector<const set_info*> all() const;  // in the order they were made

  private:
    mutable std::mutex lock_;
    std::deque<set_info> sets_;  // a deque never moves its elements
    std::unordered_map<std::string_view, set_info*> by_name_;
};

}  // namespace aero_server
