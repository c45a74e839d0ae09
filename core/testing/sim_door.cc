#include "testing/sim_door.h"

#include "wire/admin.h"
#include "wire/password_hash.h"

// Stands in for the real one, which takes as long as twenty runs.
aero::secret aero::wire::password_hash(std::string_view password) {
    return secret(std::string(password_hash_size, password.empty() ? '-' : '#'));
}

namespace aero::tests {

using wire::admin_command;
using wire::admin_field;

void sim_door::forget_all() {
    sessions_.clear();
    known_.clear();
}

code sim_door::login(connection_id id, std::string_view user, bool has_password, std::string& token) {
    if (user != sim_user) return code::invalid_user;
    if (!has_password) return code::invalid_credential;
    token = node_ + " session " + std::to_string(++last_);
    sessions_[token] = rules_.session_ttl_s == 0 ? never : world_.now() + from_ms(int64_t{1000} * rules_.session_ttl_s);
    known_.insert(id);
    return code::ok;
}

code sim_door::authenticate(connection_id id, std::string_view token) {
    const auto found = sessions_.find(token);
    if (found == sessions_.end()) return code::invalid_credential;
    if (found->second < world_.now()) return code::expired_session;
    known_.insert(id);
    return code::ok;
}

void sim_door::answer(connection_id id, byte_view body, bool refuse, buffer& reply) {
    const auto asked = wire::decode_admin(body);
    code verdict = code::security_not_enabled;
    std::string token;
    const bool logs_in = asked && asked->command == static_cast<uint8_t>(admin_command::login);
    if (rules_.guarded && asked) {
        const std::string_view user = asked->text(admin_field::user).value_or("");
        const bool has_password = !asked->text(admin_field::credential).value_or("").empty();
        if (logs_in)
            verdict = refuse ? code::invalid_credential : login(id, user, has_password, token);
        else
            verdict = authenticate(id, asked->text(admin_field::session_token).value_or(""));
    }
    wire::admin_writer message(reply, logs_in ? admin_command::login : admin_command::authenticate, verdict);
    if (!token.empty()) {
        message.field(admin_field::session_token, token);
        if (rules_.session_ttl_s != 0) message.field(admin_field::session_ttl, rules_.session_ttl_s);
    }
    message.finish();
}

}  // namespace aero::tests
