#include "cluster/security.h"

#include "aero/log.h"
#include "wire/password_hash.h"

namespace aero::cluster {

namespace {

constexpr std::string_view logger = "aerospike_core::cluster";

result<std::shared_ptr<const credentials>> credentials_of(const client_config& config) {
    const bool by_certificate = config.auth == auth_mode::pki;
    if (config.user.empty() && !by_certificate) return nullptr;
    if (config.auth != auth_mode::internal && !config.tls.enable) {
        return fail(code::invalid_argument, by_certificate ? "a login by certificate (PKI) wants TLS"
                                                           : "an external login sends the password: it wants TLS");
    }
    if (by_certificate && config.tls.certfile.empty() && config.tls.certdata.empty())
        return fail(code::invalid_argument, "a login by certificate (PKI) wants one: certfile or certdata of tls");
    if (config.user.size() > wire::user_name_max)
        return fail(code::invalid_argument, "a user name has at most 63 bytes");
    auto made = std::make_shared<credentials>();
    made->user = config.user;
    made->by_certificate = by_certificate;
    if (by_certificate) return made;
    if (config.password.view().find('\0') != std::string_view::npos)
        return fail(code::invalid_argument, "a password holds no NUL");
    made->hash = wire::password_hash(config.password.view());
    if (config.auth == auth_mode::external) made->clear = config.password;
    return made;
}

}  // namespace

result<std::shared_ptr<const security>> security::make(const client_config& config) {
    auto made = std::make_shared<security>();
    auto who = credentials_of(config);
    if (!who) return std::unexpected(std::move(who.error()));
    made->who_ = *std::move(who);
    if (config.tls.for_login_only && (!config.tls.enable || made->who_ == nullptr))
        return fail(code::invalid_argument, "TLS for logins only wants TLS and somebody who logs in");
    if (config.tls.enable) {
        auto context = io::tls_context::make(config.tls, io::tls_context::side::client);
        if (!context) return std::unexpected(std::move(context.error()));
        made->tls_ = *std::move(context);
        made->calls_in_clear_ = config.tls.for_login_only;
    }
    return made;
}

std::shared_ptr<const credentials> security::who() const {
    const std::lock_guard hold(mutex_);
    return who_;
}

std::shared_ptr<const credentials> security::with_password(const secret& clear, const secret& hash) const {
    auto changed = std::make_shared<credentials>(*who());
    changed->hash = hash;
    if (!changed->clear.empty()) changed->clear = clear;
    return changed;
}

void security::become(std::shared_ptr<const credentials> changed) const noexcept {
    const std::lock_guard hold(mutex_);
    who_ = std::move(changed);
}

result<io::stream> security::connect(const io::endpoint& to, const std::shared_ptr<session>& known,
                                     purpose what) const {
    io::opening how;
    const auto who = this->who();
    if (who != nullptr) {
        const bool tends = what == purpose::tending;
        const auto pass = known->shown();
        const bool logs_in = tends && known->login_due(monotonic_now());
        if (!pass && !tends)
            return fail(code::connection, "no session with " + to.text() + " yet: a login is on its way");
        const auto way = logs_in ? introduction::way::login : introduction::way::token;
        if (logs_in || !pass->token.empty()) how.words = std::make_unique<introduction>(who, known, way, tends);
    }
    if (tls_ != nullptr && !(calls_in_clear_ && what == purpose::calls)) {
        auto begun = tls_->begin(to.tls_name.empty() ? to.host : to.tls_name, to.text());
        if (!begun) return std::unexpected(std::move(begun.error()));
        how.tls = *std::move(begun);
    }
    return io::stream::start_connect(to, std::move(how));
}

void security::refresh() const {
    if (tls_ == nullptr) return;
    const auto done = tls_->refresh();
    if (!done) {
        log::write(log::level::error, logger, "changed certificates are not taken: " + done.error().text);
    } else if (*done) {
        log::write(log::level::info, logger, "certificates have changed; new connections use them");
    }
}

}  // namespace aero::cluster
