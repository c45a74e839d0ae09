// The bins of a record while a write works on them: views of what was there and of what is new, in the order a client
// will see. Deleting a bin moves the last one into its place, as the real server does.
#pragma once

#include <string_view>
#include <vector>

#include "store/record.h"
#include "wire/message.h"

namespace aero_server {

struct bin {
    std::string_view name;
    aero::wire::particle type = aero::wire::particle::null;
    aero::byte_view value;
};

class bin_table {
  public:
    void clear() noexcept { bins_.clear(); }
    // The bins of a record, as views into its block.
    void load(const record& from);
    bin* find(std::string_view name) noexcept;
    bin& find_or_add(std::string_view name);
    void erase(std::string_view name) noexcept;
    size_t size() const noexcept { return bins_.size(); }
    const std::vector<bin>& all() const noexcept { return bins_; }

    size_t wire_size() const noexcept;       // as finished READ operations
    void write(uint8_t* to) const noexcept;  // REQUIRES: room for wire_size()
    size_t storage_size() const noexcept;    // as the real server's size limit counts bins

  private:
    std::vector<bin> bins_;
};

// Looks for one bin among finished operations. Null when it is not there.
struct found_bin {
    bool found = false;
    bin value;
};
found_bin find_bin(const record& in, std::string_view name) noexcept;

}  // namespace aero_server
