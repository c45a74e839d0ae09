#include "secure/sessions.h"

#include <random>

namespace aero_server {

aero::secret sessions::begin(uint64_t whose, uint64_t ends_ms) {
    std::random_device random;
    std::string token;
    for (int i = 0; i < 8; ++i) {
        const uint32_t word = random();
        token.append(reinterpret_cast<const char*>(&word), sizeof word);
    }
    const std::lock_guard hold(lock_);
    if (all_.size() >= sessions_max) all_.erase(all_.begin());
    all_[token] = {whose, ends_ms};
    return aero::secret(token);
}

uint64_t sessions::find(std::string_view token, uint64_t now_ms, bool& expired) {
    const std::lock_guard hold(lock_);
    const auto found = all_.find(token);
    expired = found != all_.end() && now_ms >= found->second.ends_ms;
    return found == all_.end() || expired ? 0 : found->second.whose;
}

void sessions::clear() {
    const std::lock_guard hold(lock_);
    all_.clear();
}

void sessions::came(uint64_t who) {
    const std::lock_guard hold(lock_);
    ++connections_[who];
}

void sessions::left(uint64_t who) {
    const std::lock_guard hold(lock_);
    const auto found = connections_.find(who);
    if (found != connections_.end() && --found->second == 0) connections_.erase(found);
}

uint32_t sessions::connections_of(uint64_t who) const {
    const std::lock_guard hold(lock_);
    const auto found = connections_.find(who);
    return found == connections_.end() ? 0 : found->second;
}

}  // namespace aero_server
