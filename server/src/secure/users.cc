#include "secure/users.h"

#include <algorithm>
#include <random>

#include "wire/admin.h"
#include "wire/password_hash.h"

namespace aero_server {

std::string users::take(const std::vector<user_option>& given) {
    for (const user_option& each : given) {
        if (each.name.empty() || each.name.size() > aero::wire::user_name_max)
            return "user '" + each.name + "' is not 1 to 63 bytes long";
        if (find(each.name) != nullptr) return "user '" + each.name + "' is given twice";
        user made{.name = each.name, .expired = each.expired};
        for (const std::string& role : each.roles) {
            const auto gives = rights_of_role(role);
            if (!gives) return "user '" + each.name + "' has the role '" + role + "', which there is not";
            made.may |= *gives;
        }
        made.hash = aero::wire::password_hash(each.password.view());
        all_.push_back(std::move(made));
    }
    return {};
}

const user* users::find(std::string_view name) const noexcept {
    const auto found = std::ranges::find(all_, name, &user::name);
    return found == all_.end() ? nullptr : &*found;
}

aero::secret sessions::begin(const user& who, uint64_t ends_ms) {
    std::random_device random;
    std::string token;
    for (int i = 0; i < 8; ++i) {
        const uint32_t word = random();
        token.append(reinterpret_cast<const char*>(&word), sizeof word);
    }
    const std::lock_guard hold(lock_);
    if (all_.size() >= sessions_max) all_.erase(all_.begin());
    all_[token] = {&who, ends_ms};
    return aero::secret(token);
}

const user* sessions::find(std::string_view token, uint64_t now_ms, bool& expired) {
    const std::lock_guard hold(lock_);
    const auto found = all_.find(token);
    expired = found != all_.end() && now_ms >= found->second.ends_ms;
    return found == all_.end() || expired ? nullptr : found->second.who;
}

void sessions::clear() {
    const std::lock_guard hold(lock_);
    all_.clear();
}

}  // namespace aero_server
