#include "secure/users.h"

#include <algorithm>
#include <utility>

#include "wire/admin.h"
#include "wire/password_hash.h"
#include "wire/protocol.h"

namespace aero_server {

using aero::code;
using aero::privilege;

namespace {

constexpr size_t role_name_max = 63;

bool is_hash(std::string_view text) noexcept {
    return text.size() == aero::wire::password_hash_size && text.starts_with("$2a$10$");
}

bool is_sound(const privilege& given) noexcept {
    return rights_of(given.what).has_value() && given.name_space.size() <= aero::wire::namespace_size_max &&
           given.set.size() <= aero::wire::set_size_max && !(given.name_space.empty() && !given.set.empty());
}

bool are_sound(const std::vector<std::string>& addresses) {
    return std::ranges::all_of(addresses, [](const std::string& each) { return address_block::of(each).has_value(); });
}

template <class Entry>
void add_new(std::vector<Entry>& to, const std::vector<Entry>& more) {
    for (const Entry& each : more)
        if (std::ranges::find(to, each) == to.end()) to.push_back(each);
}

template <class Entry>
void take_away(std::vector<Entry>& from, const std::vector<Entry>& these) {
    std::erase_if(from, [&](const Entry& each) { return std::ranges::find(these, each) != these.end(); });
}

}  // namespace

bool user::may_come_from(const ip_address& where) const noexcept {
    return from.empty() || std::ranges::any_of(from, [&](const address_block& each) { return each.holds(where); });
}

std::string users::take(const std::vector<user_option>& given) {
    const std::lock_guard hold(lock_);
    for (const auto& [name, what] : predefined_roles)
        roles_[std::string(name)] = {{.name = std::string(name), .privileges = {{.what = what}}}, true};
    for (const user_option& each : given) {
        if (each.name.empty() || each.name.size() > aero::wire::user_name_max)
            return "user '" + each.name + "' is not 1 to 63 bytes long";
        if (users_.contains(each.name)) return "user '" + each.name + "' is given twice";
        for (const std::string& role : each.roles)
            if (!roles_.contains(role))
                return "user '" + each.name + "' has the role '" + role + "', which there is not";
        put({.id = ++last_id_,
             .name = each.name,
             .hash = aero::wire::password_hash(each.password.view()),
             .expired = each.expired,
             .roles = each.roles});
    }
    on_ = !given.empty();
    return {};
}

user_ptr users::find(std::string_view name) const {
    const std::lock_guard hold(lock_);
    const auto found = users_.find(name);
    return found == users_.end() ? nullptr : found->second;
}

user_ptr users::find(uint64_t id) const {
    const std::lock_guard hold(lock_);
    for (const auto& [name, each] : users_)
        if (each->id == id) return each;
    return nullptr;
}

std::vector<user_ptr> users::all() const {
    const std::lock_guard hold(lock_);
    std::vector<user_ptr> found;
    for (const auto& [name, each] : users_) found.push_back(each);
    return found;
}

std::vector<aero::role_info> users::all_roles() const {
    const std::lock_guard hold(lock_);
    std::vector<aero::role_info> found;
    for (const auto& [name, each] : roles_) found.push_back(each.what);
    return found;
}

bool users::know_all(const std::vector<std::string>& roles) const {
    return std::ranges::all_of(roles, [&](const std::string& each) { return roles_.contains(each); });
}

void users::derive(user& of) const {
    of.may = {};
    of.from.clear();
    of.read_quota = of.write_quota = 0;
    for (const std::string& each : of.roles) {
        const aero::role_info& what = roles_.find(each)->second.what;
        for (const privilege& given : what.privileges) of.may.add(given);
        for (const std::string& address : what.allowlist) of.from.push_back(*address_block::of(address));
        of.read_quota = std::max(of.read_quota, what.read_quota);
        of.write_quota = std::max(of.write_quota, what.write_quota);
    }
}

void users::put(user changed) {
    derive(changed);
    const std::string name = changed.name;
    users_[name] = std::make_shared<const user>(std::move(changed));
    version_.fetch_add(1, std::memory_order_release);
}

void users::derive_all() {
    for (auto& [name, each] : users_) {
        user changed = *each;
        derive(changed);
        each = std::make_shared<const user>(std::move(changed));
    }
    version_.fetch_add(1, std::memory_order_release);
}

code users::create_user(std::string_view name, std::string_view hash, const std::vector<std::string>& roles) {
    const std::lock_guard hold(lock_);
    if (name.empty() || name.size() > aero::wire::user_name_max) return code::invalid_user;
    if (users_.contains(name)) return code::user_exists;
    if (!is_hash(hash)) return code::invalid_password;
    if (!know_all(roles)) return code::invalid_role;
    if (users_.size() >= entries_max) return code::server_memory;
    user made{.id = ++last_id_, .name = std::string(name), .hash = aero::secret(hash)};
    add_new(made.roles, roles);
    put(std::move(made));
    return code::ok;
}

code users::drop_user(std::string_view name) {
    const std::lock_guard hold(lock_);
    const auto found = users_.find(name);
    if (found == users_.end()) return code::invalid_user;
    users_.erase(found);
    version_.fetch_add(1, std::memory_order_release);
    return code::ok;
}

code users::put_password(const user& whose, std::string_view hash) {
    if (!is_hash(hash)) return code::invalid_password;
    if (hash == whose.hash.view()) return code::forbidden_password;
    user changed = whose;
    changed.hash = aero::secret(hash);
    changed.expired = false;
    put(std::move(changed));
    return code::ok;
}

code users::set_password(std::string_view name, std::string_view hash) {
    const std::lock_guard hold(lock_);
    const auto found = users_.find(name);
    return found == users_.end() ? code::invalid_user : put_password(user(*found->second), hash);
}

code users::change_password(std::string_view name, std::string_view old_hash, std::string_view hash) {
    const std::lock_guard hold(lock_);
    const auto found = users_.find(name);
    if (found == users_.end()) return code::invalid_user;
    if (old_hash != found->second->hash.view()) return code::invalid_password;
    return put_password(user(*found->second), hash);
}

code users::grant_roles(std::string_view name, const std::vector<std::string>& roles) {
    const std::lock_guard hold(lock_);
    const auto found = users_.find(name);
    if (found == users_.end()) return code::invalid_user;
    if (!know_all(roles)) return code::invalid_role;
    user changed = *found->second;
    add_new(changed.roles, roles);
    put(std::move(changed));
    return code::ok;
}

code users::revoke_roles(std::string_view name, const std::vector<std::string>& roles) {
    const std::lock_guard hold(lock_);
    const auto found = users_.find(name);
    if (found == users_.end()) return code::invalid_user;
    if (!know_all(roles)) return code::invalid_role;
    user changed = *found->second;
    take_away(changed.roles, roles);
    put(std::move(changed));
    return code::ok;
}

code users::create_role(aero::role_info made) {
    const std::lock_guard hold(lock_);
    if (made.name.empty() || made.name.size() > role_name_max) return code::invalid_role;
    if (roles_.contains(made.name)) return code::role_exists;
    if (!std::ranges::all_of(made.privileges, is_sound)) return code::invalid_privilege;
    if (!are_sound(made.allowlist)) return code::invalid_allowlist;
    if (roles_.size() >= entries_max) return code::server_memory;
    std::string name = made.name;
    roles_[std::move(name)] = {std::move(made), false};
    return code::ok;
}

code users::drop_role(std::string_view name) {
    const std::lock_guard hold(lock_);
    const auto found = roles_.find(name);
    if (found == roles_.end() || found->second.predefined) return code::invalid_role;
    for (auto& [whose, each] : users_) {
        user changed = *each;
        if (std::erase(changed.roles, name) != 0) each = std::make_shared<const user>(std::move(changed));
    }
    roles_.erase(found);
    derive_all();
    return code::ok;
}

template <class Change>
code users::change_role(std::string_view name, Change change) {
    const std::lock_guard hold(lock_);
    const auto found = roles_.find(name);
    if (found == roles_.end() || found->second.predefined) return code::invalid_role;
    if (const code refused = change(found->second.what); refused != code::ok) return refused;
    derive_all();
    return code::ok;
}

code users::grant_privileges(std::string_view role, const std::vector<privilege>& given) {
    return change_role(role, [&](aero::role_info& what) {
        if (!std::ranges::all_of(given, is_sound)) return code::invalid_privilege;
        add_new(what.privileges, given);
        return code::ok;
    });
}

code users::revoke_privileges(std::string_view role, const std::vector<privilege>& given) {
    return change_role(role, [&](aero::role_info& what) {
        if (!std::ranges::all_of(given, is_sound)) return code::invalid_privilege;
        take_away(what.privileges, given);
        return code::ok;
    });
}

code users::set_allowlist(std::string_view role, std::vector<std::string> addresses) {
    return change_role(role, [&](aero::role_info& what) {
        if (!are_sound(addresses)) return code::invalid_allowlist;
        what.allowlist = std::move(addresses);
        return code::ok;
    });
}

code users::set_quotas(std::string_view role, std::optional<uint32_t> read, std::optional<uint32_t> write) {
    return change_role(role, [&](aero::role_info& what) {
        what.read_quota = read.value_or(what.read_quota);
        what.write_quota = write.value_or(what.write_quota);
        return code::ok;
    });
}

}  // namespace aero_server
