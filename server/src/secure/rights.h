// What somebody may do: bits, and the roles that give them. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

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

// Those of a predefined role; nothing when there is no such role.
std::optional<rights> rights_of_role(std::string_view role) noexcept;
// What an info command takes beyond being known; 0 for most.
rights needed_for_info(std::string_view command) noexcept;

}  // namespace aero_server
