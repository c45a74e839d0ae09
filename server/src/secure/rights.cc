#include "secure/rights.h"

namespace aero_server {

using aero::privilege_code;

const std::array<predefined_role, 10> predefined_roles{{
    {"user-admin", privilege_code::user_admin},
    {"sys-admin", privilege_code::sys_admin},
    {"data-admin", privilege_code::data_admin},
    {"udf-admin", privilege_code::udf_admin},
    {"sindex-admin", privilege_code::sindex_admin},
    {"read", privilege_code::read},
    {"read-write", privilege_code::read_write},
    {"read-write-udf", privilege_code::read_write_udf},
    {"write", privilege_code::write},
    {"truncate", privilege_code::truncate},
}};

std::optional<rights> rights_of(privilege_code what) noexcept {
    constexpr rights data_admin = right::truncate | right::sindex_admin | right::udf_admin;
    switch (what) {
        case privilege_code::user_admin: return right::user_admin;
        case privilege_code::sys_admin: return right::sys_admin | data_admin;
        case privilege_code::data_admin: return data_admin;
        case privilege_code::udf_admin: return right::udf_admin;
        case privilege_code::sindex_admin: return right::sindex_admin;
        case privilege_code::read:
        case privilege_code::read_masked: return right::read;
        case privilege_code::read_write:
        case privilege_code::read_write_udf: return right::read | right::write;
        case privilege_code::write:
        case privilege_code::write_masked: return right::write;
        case privilege_code::truncate: return right::truncate;
        case privilege_code::masking_admin: return 0;  // nothing is masked here
    }
    return std::nullopt;
}

rights needed_for_info(std::string_view command) noexcept {
    if (command.starts_with("truncate")) return right::truncate;
    if (command.starts_with("set-config") || command.starts_with("quiesce")) return right::sys_admin;
    if (command == "sindex-create" || command == "sindex-delete") return right::sindex_admin;
    if (command == "udf-put" || command == "udf-remove") return right::udf_admin;
    return 0;
}

std::shared_ptr<const permit> permit::unlimited() {
    static const auto made = [] {
        auto all = std::make_shared<permit>();
        all->anywhere_ = right::all;
        return all;
    }();
    return made;
}

void permit::add(const aero::privilege& given) {
    const rights may = rights_of(given.what).value_or(0);
    if (given.name_space.empty())
        anywhere_ |= may;
    else
        scoped_.push_back({may, given.name_space, given.set});
}

bool permit::allows_there(rights needed, std::string_view name_space, std::string_view set) const noexcept {
    rights may = anywhere_;
    for (const grant& each : scoped_) {
        if (!name_space.empty() && each.name_space == name_space && (each.set.empty() || each.set == set))
            may |= each.may;
    }
    return (may & needed) == needed;
}

}  // namespace aero_server
