#include "secure/doorman.h"

#include "node.h"
#include "secure/administration.h"
#include "wire/password_hash.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::code;
using wire::admin_command;
using wire::admin_field;

doorman::doorman(node& here) : here_(here), everybody_(here.everybody()) {
    if (!everybody_.security_on()) may_ = permit::unlimited();
}

doorman::~doorman() {
    if (who_ != nullptr) here_.logins().left(who_->id);
}

code doorman::check(rights needed, std::string_view name_space, std::string_view set) const noexcept {
    if (may_ == nullptr) return code::not_authenticated;
    if (who_ != nullptr && !who_->may_come_from(where_)) return code::not_allowlisted;
    return may_->allows(needed, name_space, set) ? code::ok : code::role_violation;
}

// The permit lives as long as the user it is part of.
void doorman::recognise() {
    seen_ = everybody_.version();
    const uint64_t id = who_->id;
    who_ = everybody_.find(id);
    may_ = who_ == nullptr ? nullptr : std::shared_ptr<const permit>(who_, &who_->may);
    if (who_ == nullptr) here_.logins().left(id);
}

code doorman::let_in(user_ptr who) {
    if (!who->may_come_from(where_)) return code::not_allowlisted;
    seen_ = 0;
    who_ = std::move(who);
    here_.logins().came(who_->id);
    recognise();
    return code::ok;
}

void doorman::answer(aero::byte_view body, aero::buffer& to) {
    const auto asked = wire::decode_admin(body);
    code verdict = code::ok;
    aero::secret token;
    if (!everybody_.security_on())
        verdict = code::security_not_supported;
    else if (!asked)
        verdict = code::security_field;
    else if (body[0] != 0)
        verdict = code::security_scheme;
    else if (asked->command == static_cast<uint8_t>(admin_command::login) ||
             asked->command == static_cast<uint8_t>(admin_command::authenticate))
        verdict = admit(*asked, token);
    else if (who_ == nullptr)
        verdict = code::not_authenticated;
    else if (!who_->may_come_from(where_))
        verdict = code::not_allowlisted;
    else
        return administer(everybody_, here_.logins(), *who_, *asked, to);
    wire::admin_writer reply(to, {}, verdict);
    if (!token.empty()) {
        reply.field(admin_field::session_token, token.view());
        reply.field(admin_field::session_ttl, here_.settings().session_ttl_s);
    }
    reply.finish();
}

code doorman::admit(const wire::admin_message& asked, aero::secret& token) {
    if (known()) return code::security_state;
    const bool logs_in = asked.command == static_cast<uint8_t>(admin_command::login);
    return logs_in ? log_in(asked, token) : authenticate(asked);
}

code doorman::log_in(const wire::admin_message& asked, aero::secret& token) {
    const auto name = asked.text(admin_field::user);
    const auto credential = asked.text(admin_field::credential);
    const auto clear = asked.text(admin_field::clear_password);
    const user_ptr who = everybody_.find(name ? *name : std::string_view(certified_));
    if (who == nullptr) return code::invalid_user;
    if (name) {
        if (!credential) return code::security_field;
        // With a clear password this is a login through a directory, which here knows the same passwords.
        const bool right_one =
            clear ? wire::password_hash(*clear).view() == who->hash.view() : *credential == who->hash.view();
        if (!right_one) return code::invalid_credential;
        if (who->expired) return code::expired_password;
    }
    if (const code refused = let_in(who); refused != code::ok) return refused;
    token = here_.logins().begin(who->id, here_.data().now_ms() + uint64_t{here_.settings().session_ttl_s} * 1000);
    return code::ok;
}

code doorman::authenticate(const wire::admin_message& asked) {
    const auto name = asked.text(admin_field::user);
    const auto token = asked.text(admin_field::session_token);
    if (!token) return code::security_field;
    bool expired = false;
    const uint64_t id = here_.logins().find(*token, here_.data().now_ms(), expired);
    if (expired) return code::expired_session;
    user_ptr who = id == 0 ? nullptr : everybody_.find(id);
    // After a login by certificate the token is shown alone, in clear too, where no certificate says whose it is.
    const std::string_view wanted = name ? *name : std::string_view(certified_);
    if (who == nullptr || !(wanted.empty() || who->name == wanted)) return code::invalid_credential;
    return let_in(std::move(who));
}

}  // namespace aero_server
