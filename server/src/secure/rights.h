// What somebody may do: bits, the privileges that give them, and where they hold. Plain values.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aero/security.h"

namespace aero_server {

using rights = uint32_t;

namespace right {
inline constexpr rights read = 1;
inline constexpr rights write = 2;
inline constexpr rights truncate = 4;
inline constexpr rights sys_admin = 8;
inline constexpr rights user_admin = 16;
inline constexpr rights sindex_admin = 32;
inline constexpr rights udf_admin = 64;
inline constexpr rights all = ~rights{0};
}  // namespace right

// Those of a privilege; nothing when there is no such privilege.
std::optional<rights> rights_of(aero::privilege_code what) noexcept;
// What an info command takes beyond being known; 0 for most.
rights needed_for_info(std::string_view command) noexcept;

// The roles that there are always; each has one privilege, everywhere.
using predefined_role = std::pair<std::string_view, aero::privilege_code>;
extern const std::array<predefined_role, 10> predefined_roles;

// The rights of one user.
class permit {
  public:
    void add(const aero::privilege& given);
    // Everything, for those who need not say who they are.
    static std::shared_ptr<const permit> unlimited();
    // `name_space` and `set` are where it would be done; empty: everywhere.
    bool allows(rights needed, std::string_view name_space, std::string_view set) const noexcept {
        return (anywhere_ & needed) == needed || allows_there(needed, name_space, set);
    }

  private:
    struct grant {
        rights may;
        std::string name_space;
        std::string set;  // empty: every one
    };
    bool allows_there(rights needed, std::string_view name_space, std::string_view set) const noexcept;

    rights anywhere_ = 0;
    std::vector<grant> scoped_;
};

}  // namespace aero_server
