#define OPENSSL_SUPPRESS_DEPRECATED  // nothing else gives OpenSSL a chance of ours
#include "testing/sim_tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "testing/certificates.h"

namespace aero::tests {
namespace {

constexpr unsigned nodes_max = 5;
constexpr long years = 365L * 24 * 3600;

wanted for_long() { return {.valid_from_s = -20 * years, .valid_to_s = 20 * years}; }

void must(bool done) {
    if (!done) std::abort();  // a simulation without TLS would prove nothing about it
}

sim_random chances{0};

int draw(unsigned char* into, int size) {
    for (int i = 0; i < size; ++i) into[i] = static_cast<unsigned char>(chances.random() >> 32);
    return 1;
}
int always() { return 1; }

size_t alive = 0;
void count_made(void*, void*, CRYPTO_EX_DATA*, int, long, void*) { ++alive; }
void count_freed(void*, void*, CRYPTO_EX_DATA*, int, long, void*) { --alive; }

}  // namespace

struct sim_tls_hooks {
    // OpenSSL itself forgets who was asked for where a session is resumed.
    static int hello(SSL* on, int*, void*) {
        constexpr size_t before_name = 5;  // length of the list, kind and length of its one name
        const unsigned char* list = nullptr;
        size_t size = 0;
        if (SSL_client_hello_get0_ext(on, TLSEXT_TYPE_server_name, &list, &size) == 1 && size > before_name)
            static_cast<sim_tls*>(SSL_get_app_data(on))->asked_for_ = as_text({list + before_name, size - before_name});
        return SSL_CLIENT_HELLO_SUCCESS;
    }
};

namespace {

SSL_CTX* context_for(const identity& who) {
    SSL_CTX* made = SSL_CTX_new(TLS_server_method());
    must(made != nullptr);
    BIO* text = BIO_new_mem_buf(who.certificate.data(), static_cast<int>(who.certificate.size()));
    X509* certificate = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
    BIO_free(text);
    text = BIO_new_mem_buf(who.key.data(), static_cast<int>(who.key.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(text, nullptr, nullptr, nullptr);
    BIO_free(text);
    must(SSL_CTX_use_certificate(made, certificate) == 1 && SSL_CTX_use_PrivateKey(made, key) == 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    constexpr unsigned char name[] = "sim";
    SSL_CTX_set_session_id_context(made, name, sizeof name);
    SSL_CTX_set_client_hello_cb(made, sim_tls_hooks::hello, nullptr);
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);  // tickets hold all there is to know
    return made;
}

struct prepared {
    std::string authority;
    std::array<std::array<SSL_CTX*, nodes_max>, 1 + sim_tls_host::wrong_ones> contexts{};
};

prepared make_all() {
    static const RAND_METHOD method{nullptr, draw, nullptr, nullptr, draw, always};
    must(RAND_set_rand_method(&method) == 1);
    must(SSL_get_ex_new_index(0, nullptr, count_made, nullptr, count_freed) >= 0);
    authority ours(for_long()), others(for_long());
    prepared made{.authority = ours.certificate()};
    for (unsigned node = 0; node < nodes_max; ++node) {
        wanted own = for_long(), other = for_long();
        own.name = sim_tls_host::name_of(node);
        other.name = "another.sim";
        made.contexts[0][node] = context_for(ours.issue(own));
        made.contexts[1][node] = context_for(ours.issue(other));
        made.contexts[2][node] = context_for(others.issue(own));
    }
    return made;
}

const prepared& all() {
    static const prepared made = make_all();
    return made;
}

}  // namespace

void prepare_tls() { all(); }
const std::string& sim_authority() { return all().authority; }
void restart_tls(uint64_t seed) { chances = sim_random(sim_random::mix(seed, 5)); }
size_t tls_connections_alive() noexcept { return alive; }

// ---------------------------------------------------------------- a node

void sim_tls_host::restart() {
    for (const auto& kind : all().contexts) {
        std::array<unsigned char, 80> keys;
        draw(keys.data(), keys.size());
        must(SSL_CTX_set_tlsext_ticket_keys(kind[node_], keys.data(), static_cast<long>(keys.size())) == 1);
    }
}

std::unique_ptr<sim_tls> sim_tls_host::accept() {
    SSL* made = SSL_new(all().contexts[static_cast<size_t>(shows_)][node_]);
    must(made != nullptr);
    if (rules_.older) SSL_set_max_proto_version(made, TLS1_2_VERSION);
    return std::make_unique<sim_tls>(made, name_of(node_), shows_ != shown::own);
}

// ---------------------------------------------------------------- a connection

sim_tls::sim_tls(ssl_st* made, std::string own_name, bool wrong)
    : ssl_(made), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())), own_name_(std::move(own_name)), wrong_(wrong) {
    BIO_set_mem_eof_return(in_, -1);
    BIO_set_mem_eof_return(out_, -1);
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_app_data(ssl_, this);
    SSL_set_accept_state(ssl_);
}

sim_tls::~sim_tls() { SSL_free(ssl_); }

// What of the bytes ends the record under way, or belongs to it: records are opened one by one, so that one that is cut
// takes no other with it.
byte_view sim_tls::rest_of_record(byte_view bytes) noexcept {
    size_t count = 0;
    if (body_left_ == 0) {
        while (count < bytes.size() && head_size_ < sizeof head_) head_[head_size_++] = bytes[count++];
        if (head_size_ < sizeof head_) return bytes;
        body_left_ = load_be<uint16_t>(head_ + 3);
    }
    const size_t body = std::min(body_left_, bytes.size() - count);
    body_left_ -= body;
    if (body_left_ == 0) head_size_ = 0;
    return bytes.first(count + body);
}

void sim_tls::sent(byte_view sealed, buffer& opened) {
    while (!sealed.empty()) {
        const byte_view piece = rest_of_record(sealed);
        sealed = sealed.subspan(piece.size());
        feed(piece, opened);
    }
}

void sim_tls::feed(byte_view sealed, buffer& opened) {
    sent_ += sealed.size();
    if (failed_) return;
    must(BIO_write(in_, sealed.data(), static_cast<int>(sealed.size())) == static_cast<int>(sealed.size()));
    progress made;
    run(made);
    if (made.opened.empty() && made.sealed.empty() && !made.failed) return;
    opened.append(made.opened.view());
    steps_.push_back({sent_, std::move(made)});
}

void sim_tls::run(progress& into) {
    ERR_clear_error();
    int done = SSL_is_init_finished(ssl_) != 0 ? 1 : SSL_do_handshake(ssl_);
    while (done == 1) {
        constexpr size_t some = 16384;
        size_t count = 0;
        done = SSL_read_ex(ssl_, into.opened.room(some), some, &count);
        if (done == 1) into.opened.commit(count);
    }
    failed_ = into.failed = SSL_get_error(ssl_, done) != SSL_ERROR_WANT_READ;
    into.sealed = take_output();
    if (!into.opened.empty()) misled_ = misled_ || wrong_ || asked_for_ != own_name_;
}

buffer sim_tls::take_output() {
    buffer made;
    const size_t there = BIO_ctrl_pending(out_);
    if (there == 0) return made;
    must(BIO_read(out_, made.room(there), static_cast<int>(there)) == static_cast<int>(there));
    made.commit(there);
    return made;
}

sim_tls::progress sim_tls::arrived(size_t bytes) {
    arrived_ += bytes;
    progress made;
    while (!steps_.empty() && steps_.front().at <= arrived_) {
        const progress& next = steps_.front().made;
        made.opened.append(next.opened.view());
        made.sealed.append(next.sealed.view());
        made.failed = made.failed || next.failed;
        steps_.pop_front();
    }
    return made;
}

buffer sim_tls::seal(byte_view plain) {
    if (failed_) return {};
    ERR_clear_error();
    size_t count = 0;
    must(SSL_write_ex(ssl_, plain.data(), plain.size(), &count) == 1 && count == plain.size());
    return take_output();
}

}  // namespace aero::tests
