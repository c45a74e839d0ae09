#include "cluster/session.h"

#include <algorithm>

#include "base/planted.h"

namespace aero::cluster {

namespace {

// Renewed this long before its end, or after half of a short life.
constexpr int64_t margin_s = 60;

}  // namespace

std::optional<session::pass> session::shown() const {
    const std::lock_guard hold(mutex_);
    return pass_;
}

void session::granted(wire::granted_session&& by_login, nanos now) {
    const std::lock_guard hold(mutex_);
    pass_ = {std::move(by_login.token), ++logins_};
    const int64_t ttl_s = by_login.ttl_s;
    renew_at_ = ttl_s == 0 ? never : now + std::max(from_ms((ttl_s - margin_s) * 1000), from_ms(ttl_s * 500));
}

void session::granted_freely() {
    const std::lock_guard hold(mutex_);
    pass_ = {.token = {}, .login = ++logins_};
    renew_at_ = never;
}

void session::refused(uint64_t login) {
    const std::lock_guard hold(mutex_);
    if (pass_ && pass_->login == login && !planted(planted_bug::kept_session)) pass_.reset();
}

void session::lost() {
    const std::lock_guard hold(mutex_);
    pass_.reset();
}

bool session::login_due(nanos now) const {
    const std::lock_guard hold(mutex_);
    return !pass_ || now >= renew_at_;
}

}  // namespace aero::cluster
