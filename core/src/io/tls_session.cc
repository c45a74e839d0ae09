#include "io/tls_session.h"

#include "io/tls_context.h"

#if AERO_HAVE_OPENSSL

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/planted.h"
#include "io/tls_openssl.h"

namespace aero::io {

// OpenSSL reads and writes through a BIO; ours stands on the buffers of a session.
struct tls_bytes {
    static int write(BIO* bio, const char* data, int size) noexcept {
        auto* of = static_cast<tls_session*>(BIO_get_data(bio));
        try {
            of->out_.append(byte_view{reinterpret_cast<const uint8_t*>(data), static_cast<size_t>(size)});
            return size;
        } catch (const std::bad_alloc&) {
            of->starved_ = true;  // goes on behind OpenSSL, which knows no exceptions
            return -1;
        }
    }
    static int read(BIO* bio, char* data, int size) {
        auto* of = static_cast<tls_session*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        const size_t taken = of->take_input({reinterpret_cast<uint8_t*>(data), static_cast<size_t>(size)});
        if (taken > 0) return static_cast<int>(taken);
        if (of->input_ended_) return 0;
        BIO_set_retry_read(bio);
        return -1;
    }
    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

    static BIO_METHOD* make_method() {
        BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "aero bytes");
        if (method == nullptr) return nullptr;
        BIO_meth_set_write(method, write);
        BIO_meth_set_read(method, read);
        BIO_meth_set_ctrl(method, control);
        return method;
    }
    static BIO* make(tls_session& of) {
        static BIO_METHOD* const method = make_method();
        BIO* bio = method == nullptr ? nullptr : BIO_new(method);
        if (bio == nullptr) return nullptr;
        BIO_set_data(bio, &of);
        BIO_set_init(bio, 1);
        return bio;
    }
};

tls_session::tls_session(std::shared_ptr<tls_context> of, ssl_st* made, std::string place)
    : context_(std::move(of)), ssl_(made), place_(std::move(place)) {
    BIO* bytes = tls_bytes::make(*this);
    SSL_set_bio(ssl_, bytes, bytes);  // owns it
    SSL_set_ex_data(ssl_, session_slot(), this);
}

tls_session::~tls_session() {
    // Nothing is said to the peer, but for OpenSSL the session ended well: otherwise it could not be resumed.
    SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl_);
}

void tls_session::sent(size_t bytes) noexcept {
    out_taken_ += bytes;
    assert(out_taken_ <= out_.size());
    if (out_taken_ < out_.size()) return;
    out_.clear();
    out_taken_ = 0;
}

size_t tls_session::take_input(byte_span into) noexcept {
    const byte_view left = in_.view().subspan(in_taken_);
    const size_t taken = std::min(left.size(), into.size());
    if (taken > 0) std::memcpy(into.data(), left.data(), taken);
    in_taken_ += taken;
    if (in_taken_ == in_.size()) {
        in_.clear();
        in_taken_ = 0;
    }
    return taken;
}

tls_session::state tls_session::state_of(int returned) {
    if (std::exchange(starved_, false)) throw std::bad_alloc();
    switch (SSL_get_error(ssl_, returned)) {
        case SSL_ERROR_WANT_READ: return state::wants_input;
        case SSL_ERROR_ZERO_RETURN: return state::closed;
        default: break;
    }
    if (why_.empty()) why_ = reason_of(*ssl_, input_ended_);
    ERR_clear_error();
    return state::failed;
}

tls_session::state tls_session::handshake() {
    if (!why_.empty()) return state::failed;
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_);
    if (done != 1) return state_of(done);
    established_ = true;
    return state::ok;
}

tls_session::progress tls_session::write(byte_view plain) {
    if (!why_.empty()) return {state::failed};
    size_t written = 0;
    ERR_clear_error();
    const int done = SSL_write_ex(ssl_, plain.data(), std::min(plain.size(), record_max), &written);
    return done == 1 ? progress{state::ok, written} : progress{state_of(done)};
}

tls_session::progress tls_session::read(byte_span into) {
    progress made{state::ok};
    while (made.bytes < into.size()) {
        if (!why_.empty()) return {state::failed, made.bytes};
        size_t count = 0;
        ERR_clear_error();
        const int done = SSL_read_ex(ssl_, into.data() + made.bytes, into.size() - made.bytes, &count);
        if (done != 1) return {state_of(done), made.bytes};
        made.bytes += count;
        if (planted(planted_bug::opened_forgotten)) break;
    }
    return made;
}

bool tls_session::holds_more() const noexcept { return SSL_pending(ssl_) > 0 || in_taken_ < in_.size(); }

bool tls_session::resumed() const noexcept { return SSL_session_reused(ssl_) == 1; }

std::string tls_session::peer_name() const {
    const X509* shown = SSL_get0_peer_certificate(ssl_);
    const X509_NAME* name = shown == nullptr ? nullptr : X509_get_subject_name(shown);
    const int at = name == nullptr ? -1 : X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0) return {};
    const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string_view tls_session::version() const noexcept { return SSL_get_version(ssl_); }

}  // namespace aero::io

#else

namespace aero::io {

// Without OpenSSL no context can be made, and so no session.
tls_session::tls_session(std::shared_ptr<tls_context> of, ssl_st* made, std::string place)
    : context_(std::move(of)), ssl_(made), place_(std::move(place)) {}
tls_session::~tls_session() = default;
void tls_session::sent(size_t) noexcept {}
tls_session::state tls_session::handshake() { return state::failed; }
tls_session::progress tls_session::write(byte_view) { return {state::failed}; }
tls_session::progress tls_session::read(byte_span) { return {state::failed}; }
bool tls_session::holds_more() const noexcept { return false; }
bool tls_session::resumed() const noexcept { return false; }
std::string tls_session::peer_name() const { return {}; }
std::string_view tls_session::version() const noexcept { return {}; }

}  // namespace aero::io

#endif
