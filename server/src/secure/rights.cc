#include "secure/rights.h"

#include <array>
#include <utility>

namespace aero_server {

std::optional<rights> rights_of_role(std::string_view role) noexcept {
    constexpr rights data_admin = right::truncate | right::sindex_admin | right::udf_admin;
    static constexpr std::array<std::pair<std::string_view, rights>, 10> roles{{
        {"read", right::read},
        {"read-write", right::read | right::write},
        {"read-write-udf", right::read | right::write},
        {"write", right::write},
        {"truncate", right::truncate},
        {"user-admin", right::user_admin},
        {"sys-admin", right::sys_admin | data_admin},
        {"data-admin", data_admin},
        {"sindex-admin", right::sindex_admin},
        {"udf-admin", right::udf_admin},
    }};
    for (const auto& [name, gives] : roles)
        if (name == role) return gives;
    return std::nullopt;
}

rights needed_for_info(std::string_view command) noexcept {
    if (command.starts_with("truncate")) return right::truncate;
    if (command.starts_with("set-config") || command.starts_with("quiesce")) return right::sys_admin;
    if (command == "sindex-create" || command == "sindex-delete") return right::sindex_admin;
    if (command == "udf-put" || command == "udf-remove") return right::udf_admin;
    return 0;
}

}  // namespace aero_server
