#include "cluster/introduction.h"

#include "wire/message.h"

namespace aero::cluster {

namespace {

constexpr size_t reply_size_max = 64 << 10;

// The size of a whole reply of which at least the frame header has come; 0 when it is none.
size_t whole_size(byte_view begun) noexcept {
    const auto header = wire::decode_frame_header(begun.data());
    if (!header || header->type != wire::frame_type::admin || header->body_size > reply_size_max) return 0;
    return wire::frame_header_size + header->body_size;
}

}  // namespace

introduction::introduction(std::shared_ptr<const credentials> who, std::shared_ptr<session> known, way how,
                           bool may_log_in)
    : who_(std::move(who)), session_(std::move(known)), way_(how), may_log_in_(may_log_in) {
    if (way_ == way::login)
        log_in();
    else
        show(session_->shown().value_or(session::pass()));
}

void introduction::wipe_request() noexcept {
    wipe(request_.data(), request_.size());
    request_.clear();
}

// Reserved beforehand: growing would leave a copy behind that nobody wipes.
void introduction::log_in() {
    way_ = way::login;
    wipe_request();
    request_.reserve_exactly(256 + who_->user.size() + who_->hash.view().size() + who_->clear.view().size());
    wire::admin_writer message(request_, wire::admin_command::login);
    if (!who_->by_certificate) {
        message.field(wire::admin_field::user, who_->user);
        message.field(wire::admin_field::credential, who_->hash.view());
        if (!who_->clear.empty()) message.field(wire::admin_field::clear_password, who_->clear.view());
    }
    message.finish();
}

void introduction::show(const session::pass& known) {
    shown_login_ = known.login;
    request_.reserve_exactly(256 + who_->user.size() + known.token.view().size());
    wire::admin_writer message(request_, wire::admin_command::authenticate);
    if (!who_->by_certificate) message.field(wire::admin_field::user, who_->user);
    message.field(wire::admin_field::session_token, known.token.view());
    message.finish();
}

// Exactly what the reply still lacks, so that nothing beyond it is taken.
byte_span introduction::input() {
    const size_t have = reply_.size();
    const size_t whole = have < wire::frame_header_size ? wire::frame_header_size : whole_size(reply_.view());
    return {reply_.room(whole - have), whole - have};
}

introduction::verdict introduction::received(size_t bytes) {
    reply_.commit(bytes);
    if (reply_.size() < wire::frame_header_size) return verdict::more;
    const size_t whole = whole_size(reply_.view());
    if (whole <= wire::frame_header_size) return refuse(code::bad_reply, "it answers with no security message");
    if (reply_.size() < whole) return verdict::more;
    const verdict end = judge(reply_.view().subspan(wire::frame_header_size));
    wipe(reply_.data(), reply_.size());
    reply_.clear();
    return end;
}

introduction::verdict introduction::judge(byte_view body) {
    const auto reply = wire::decode_admin(body);
    if (!reply) return refuse(code::bad_reply, reply.error().text);
    if (reply->result == code::security_not_enabled) {
        session_->granted_freely();
        return verdict::done;
    }
    if (way_ == way::login) return judge_login(*reply);
    if (reply->result == code::ok) return verdict::done;
    session_->refused(shown_login_);
    if (may_log_in_) return log_in(), verdict::again;
    return refuse(code::not_authenticated,
                  "it refuses our session (" + std::string(name_of(reply->result)) + "), which is being renewed");
}

introduction::verdict introduction::judge_login(const wire::admin_message& reply) {
    if (reply.result != code::ok) {
        const std::string who = who_->by_certificate ? "by certificate" : "of user '" + who_->user + "'";
        return refuse(reply.result, "the login " + who + " was refused: " + std::string(name_of(reply.result)));
    }
    auto granted = wire::session_of(reply);
    if (!granted) return refuse(code::bad_reply, granted.error().text);
    session_->granted(*std::move(granted), monotonic_now());
    return verdict::done;
}

introduction::verdict introduction::refuse(code what, std::string text) {
    why_.what = what;
    why_.text = std::move(text);
    return verdict::refused;
}

}  // namespace aero::cluster
