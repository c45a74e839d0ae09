#include "secure/doorman.h"

#include "node.h"
#include "wire/admin.h"
#include "wire/password_hash.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::code;
using wire::admin_field;

doorman::doorman(node& here) : here_(here), may_(here.everybody().security_on() ? nobody : right::all & ~nobody) {}

code doorman::check(rights needed) const noexcept {
    if (may_ == nobody) return code::not_authenticated;
    return (may_ & needed) == needed ? code::ok : code::role_violation;
}

void doorman::answer(aero::byte_view body, aero::buffer& to) {
    aero::secret token;
    const bool on = here_.everybody().security_on();
    const code verdict = on ? admit(body, token) : code::security_not_supported;
    wire::admin_writer reply(to, {}, verdict);
    if (!token.empty()) {
        reply.field(admin_field::session_token, token.view());
        reply.field(admin_field::session_ttl, here_.settings().session_ttl_s);
    }
    reply.finish();
}

code doorman::admit(aero::byte_view body, aero::secret& token) {
    const auto asked = wire::decode_admin(body);
    if (!asked) return code::security_field;
    if (body[0] != 0) return code::security_scheme;
    switch (static_cast<wire::admin_command>(asked->command)) {
        case wire::admin_command::login:
            return log_in(asked->text(admin_field::user), asked->text(admin_field::credential),
                          asked->text(admin_field::clear_password), token);
        case wire::admin_command::authenticate:
            return authenticate(asked->text(admin_field::user), asked->text(admin_field::session_token));
    }
    return known() ? code::security_command : code::not_authenticated;
}

code doorman::log_in(std::optional<std::string_view> name, std::optional<std::string_view> credential,
                     std::optional<std::string_view> clear, aero::secret& token) {
    if (known()) return code::security_state;
    const bool by_certificate = !name;
    const user* who = here_.everybody().find(by_certificate ? std::string_view(certified_) : *name);
    if (who == nullptr) return code::invalid_user;
    if (!by_certificate) {
        if (!credential) return code::security_field;
        // With a clear password this is a login through a directory, which here knows the same passwords.
        const bool right_one =
            clear ? wire::password_hash(*clear).view() == who->hash.view() : *credential == who->hash.view();
        if (!right_one) return code::invalid_credential;
        if (who->expired) return code::expired_password;
    }
    may_ = who->may;
    token = here_.logins().begin(*who, here_.data().now_ms() + uint64_t{here_.settings().session_ttl_s} * 1000);
    return code::ok;
}

code doorman::authenticate(std::optional<std::string_view> name, std::optional<std::string_view> token) {
    if (known()) return code::security_state;
    if (!token) return code::security_field;
    bool expired = false;
    const user* who = here_.logins().find(*token, here_.data().now_ms(), expired);
    if (expired) return code::expired_session;
    const std::string_view wanted = name ? *name : std::string_view(certified_);
    if (who == nullptr || who->name != wanted) return code::invalid_credential;
    may_ = who->may;
    return code::ok;
}

}  // namespace aero_server
