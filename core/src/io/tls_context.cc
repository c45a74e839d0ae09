#include "io/tls_context.h"

#include "io/tls_session.h"

#if AERO_HAVE_OPENSSL

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <memory>

#include "base/planted.h"
#include "io/stream.h"
#include "io/tls_openssl.h"

namespace aero::io {

namespace {

template <class T, void (*End)(T*)>
struct ended_by {
    void operator()(T* what) const noexcept { End(what); }
};
template <class T, void (*End)(T*)>
using owned = std::unique_ptr<T, ended_by<T, End>>;
using owned_ctx = owned<SSL_CTX, SSL_CTX_free>;
using owned_key = owned<EVP_PKEY, EVP_PKEY_free>;
using owned_certificate = owned<X509, X509_free>;
using owned_crl = owned<X509_CRL, X509_CRL_free>;

struct free_bio {
    void operator()(BIO* what) const noexcept { BIO_free_all(what); }
};
using owned_bio = std::unique_ptr<BIO, free_bio>;

std::unexpected<error> refuse(const std::string& what) {
    return fail(code::tls, "TLS: " + what + ": " + last_error("it holds nothing that fits"));
}

owned_bio memory(std::string_view text) {
    return owned_bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

int give_pass_phrase(char* to, int size, int, void* from) {
    const std::string_view phrase = static_cast<const secret*>(from)->view();
    if (phrase.empty() || phrase.size() > static_cast<size_t>(size)) return 0;
    phrase.copy(to, phrase.size());
    return static_cast<int>(phrase.size());
}

result<void> trust(SSL_CTX& to, const tls_config& from) {
    const bool any = !from.cafile.empty() || !from.capath.empty() || !from.cadata.empty();
    if (!any) {
        if (SSL_CTX_set_default_verify_paths(&to) != 1) return refuse("the system's authorities cannot be read");
        return {};
    }
    if (!from.cafile.empty() && SSL_CTX_load_verify_locations(&to, from.cafile.c_str(), nullptr) != 1)
        return refuse("cafile '" + from.cafile + "' cannot be used");
    if (!from.capath.empty() && SSL_CTX_load_verify_locations(&to, nullptr, from.capath.c_str()) != 1)
        return refuse("capath '" + from.capath + "' cannot be used");
    if (from.cadata.empty()) return {};
    X509_STORE* store = SSL_CTX_get_cert_store(&to);
    int taken = 0;
    const owned_bio certificates = memory(from.cadata);
    while (const owned_certificate each{PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)})
        taken += X509_STORE_add_cert(store, each.get());
    const owned_bio lists = memory(from.cadata);
    while (const owned_crl each{PEM_read_bio_X509_CRL(lists.get(), nullptr, nullptr, nullptr)})
        taken += X509_STORE_add_crl(store, each.get());
    if (taken == 0) return refuse("cadata cannot be used");
    ERR_clear_error();
    return {};
}

void check_revocation(SSL_CTX& on, const tls_config& from) {
    unsigned long flags = from.crl_check || from.crl_check_all ? X509_V_FLAG_CRL_CHECK : 0UL;
    if (from.crl_check_all) flags |= X509_V_FLAG_CRL_CHECK_ALL;
    if (flags != 0) X509_STORE_set_flags(SSL_CTX_get_cert_store(&on), flags);
}

result<void> use_certificate_data(SSL_CTX& on, std::string_view text) {
    const owned_bio from = memory(text);
    const owned_certificate own{PEM_read_bio_X509_AUX(from.get(), nullptr, nullptr, nullptr)};
    if (!own || SSL_CTX_use_certificate(&on, own.get()) != 1) return refuse("certdata cannot be used");
    while (owned_certificate above{PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr)}) {
        if (SSL_CTX_add0_chain_cert(&on, above.get()) != 1) return refuse("certdata cannot be used");
        static_cast<void>(above.release());
    }
    ERR_clear_error();
    return {};
}

result<void> use_key(SSL_CTX& on, const tls_config& from) {
    const std::string& file = from.keyfile.empty() ? from.certfile : from.keyfile;
    const std::string_view data = from.keydata.empty() ? std::string_view(from.certdata) : from.keydata.view();
    const bool in_memory = !from.keydata.empty() || (from.keyfile.empty() && from.certfile.empty());
    const std::string name = in_memory ? "the key at hand" : "keyfile '" + file + "'";
    const owned_bio text = in_memory ? memory(data) : owned_bio(BIO_new_file(file.c_str(), "r"));
    if (!text) return refuse(name + " cannot be read");
    auto* phrase = const_cast<secret*>(&from.keyfile_pw);
    const owned_key key{PEM_read_bio_PrivateKey(text.get(), nullptr, give_pass_phrase, phrase)};
    if (!key) return refuse(name + " cannot be used (keyfile_pw opens an encrypted key)");
    if (SSL_CTX_use_PrivateKey(&on, key.get()) != 1 || SSL_CTX_check_private_key(&on) != 1)
        return refuse(name + " does not fit the certificate");
    return {};
}

result<void> identify(SSL_CTX& on, const tls_config& from) {
    if (!from.certfile.empty()) {
        if (SSL_CTX_use_certificate_chain_file(&on, from.certfile.c_str()) != 1)
            return refuse("certfile '" + from.certfile + "' cannot be used");
    } else if (!from.certdata.empty()) {
        if (auto used = use_certificate_data(on, from.certdata); !used) return used;
    } else if (from.keyfile.empty() && from.keydata.empty()) {
        return {};
    } else {
        return fail(code::tls, "TLS: a key without a certificate: give certfile or certdata as well");
    }
    return use_key(on, from);
}

// "TLSv1.3", "TLSv1.2 TLSv1.3", "-all +TLSv1.2": words add versions, or take them off behind a minus.
result<void> choose_versions(SSL_CTX& on, const std::string& words) {
    bool two = words.empty(), three = words.empty();
    for (size_t at = 0; at < words.size();) {
        const size_t end = std::min(words.find_first_of(" ,", at), words.size());
        std::string_view word = std::string_view(words).substr(at, end - at);
        at = end + 1;
        if (word.empty()) continue;
        const bool adds = word[0] != '-';
        if (word[0] == '-' || word[0] == '+') word.remove_prefix(1);
        const bool all = word == "all";
        if (!all && word != "TLSv1.2" && word != "TLSv1.3")
            return fail(code::tls, "TLS: protocols names '" + std::string(word) + "'; there are TLSv1.2 and TLSv1.3");
        if (all || word == "TLSv1.2") two = adds;
        if (all || word == "TLSv1.3") three = adds;
    }
    if (!two && !three) return fail(code::tls, "TLS: protocols '" + words + "' leave no version to speak");
    SSL_CTX_set_min_proto_version(&on, two ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(&on, three ? TLS1_3_VERSION : TLS1_2_VERSION);
    return {};
}

result<void> choose_ciphers(SSL_CTX& on, const std::string& names) {
    std::string older, newer;
    for (size_t at = 0; at < names.size();) {
        const size_t end = std::min(names.find(':', at), names.size());
        const std::string name = names.substr(at, end - at);
        std::string& to = name.starts_with("TLS_") ? newer : older;
        to += (to.empty() ? "" : ":") + name;
        at = end + 1;
    }
    if (!older.empty() && SSL_CTX_set_cipher_list(&on, older.c_str()) != 1)
        return refuse("cipher_suite '" + names + "' cannot be used");
    if (!newer.empty() && SSL_CTX_set_ciphersuites(&on, newer.c_str()) != 1)
        return refuse("cipher_suite '" + names + "' cannot be used");
    return {};
}

bool is_address(const std::string& name) noexcept {
    in6_addr unused{};
    return inet_pton(AF_INET, name.c_str(), &unused) == 1 || inet_pton(AF_INET6, name.c_str(), &unused) == 1;
}

bool expect_name(SSL& on, const std::string& name) {
    if (is_address(name)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(&on), name.c_str()) == 1;
    SSL_set_hostflags(&on, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(&on, name.c_str()) == 1 && SSL_set_tlsext_host_name(&on, name.c_str()) == 1;
}

}  // namespace

int session_slot() noexcept {
    static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return slot;
}

std::string last_error(const char* otherwise) {
    const unsigned long number = ERR_peek_last_error();
    const char* text = ERR_reason_error_string(number);
    std::string said = text != nullptr            ? text
                       : ERR_SYSTEM_ERROR(number) ? error_text(ERR_GET_REASON(number))
                                                  : otherwise;
    ERR_clear_error();
    return said;
}

std::string reason_of(const SSL& on, bool input_ended) {
    const long verdict = SSL_get_verify_result(&on);
    if (verdict != X509_V_OK && SSL_in_init(&on) != 0)
        return std::string("the certificate of the peer was refused: ") + X509_verify_cert_error_string(verdict);
    if (input_ended) return "the peer ended the connection";
    return last_error("the peer broke the protocol");
}

// What OpenSSL calls.
struct tls_hooks {
    // A session that may be resumed has come: kept for the next connection to the same name.
    // Without memory for it a session is not kept.
    static int new_session(SSL* ssl, SSL_SESSION* made) noexcept {
        auto* of = static_cast<tls_session*>(SSL_get_ex_data(ssl, session_slot()));
        try {
            return of->context_->keep_resumable(*ssl, of->place_, made) ? 1 : 0;
        } catch (const std::bad_alloc&) {
            return 0;
        }
    }
};

result<std::shared_ptr<tls_context>> tls_context::make(tls_config config, side which) {
    std::shared_ptr<tls_context> made(new tls_context(std::move(config), which));
    made->seen_ = made->file_states();
    auto built = made->build();
    if (!built) return std::unexpected(std::move(built.error()));
    made->current_ = *built;
    return made;
}

tls_context::~tls_context() {
    for (const auto& [name, each] : resumable_) SSL_SESSION_free(each);
    SSL_CTX_free(current_);
}

result<ssl_ctx_st*> tls_context::build() {
    ERR_clear_error();
    const owned_ctx made{SSL_CTX_new(side_ == side::client ? TLS_client_method() : TLS_server_method())};
    if (!made) return refuse("OpenSSL gives no context");
    SSL_CTX& on = *made;
    SSL_CTX_set_options(&on, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(&on, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    const bool has_authorities = !config_.cafile.empty() || !config_.capath.empty() || !config_.cadata.empty();
    if (side_ == side::client) {
        SSL_CTX_set_verify(&on, planted(planted_bug::certificate_unchecked) ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                           nullptr);
        SSL_CTX_set_session_cache_mode(&on, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(&on, tls_hooks::new_session);
    } else {
        if (has_authorities) SSL_CTX_set_verify(&on, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        constexpr unsigned char name[] = "aero";
        SSL_CTX_set_session_id_context(&on, name, sizeof name);
    }
    if (side_ == side::client || has_authorities) {
        if (auto trusted = trust(on, config_); !trusted) return std::unexpected(std::move(trusted.error()));
    }
    check_revocation(on, config_);
    for (const auto& step :
         {identify(on, config_), choose_versions(on, config_.protocols), choose_ciphers(on, config_.cipher_suite)})
        if (!step) return std::unexpected(step.error());
    SSL_CTX_up_ref(made.get());
    return made.get();
}

result<std::unique_ptr<tls_session>> tls_context::begin(const std::string& peer_name, const std::string& place) {
    const std::lock_guard hold(mutex_);
    SSL* ssl = SSL_new(current_);
    if (ssl == nullptr) return refuse("no connection can be made");
    owned<SSL, SSL_free> held(ssl);
    // A session that is resumed shows no certificate again: it holds for the name that was checked, and no other.
    const std::string kept_as = peer_name + '@' + place;
    std::unique_ptr<tls_session> made(new tls_session(shared_from_this(), ssl, kept_as));
    static_cast<void>(held.release());
    if (side_ == side::server) {
        SSL_set_accept_state(ssl);
        return made;
    }
    SSL_set_connect_state(ssl);
    if (!expect_name(*ssl, peer_name)) return refuse("'" + peer_name + "' cannot be the name of a certificate");
    if (const auto known = resumable_.find(kept_as); known != resumable_.end()) SSL_set_session(ssl, known->second);
    return made;
}

// True when it was taken over.
bool tls_context::keep_resumable(const ssl_st& of, const std::string& place, ssl_session_st* made) {
    const std::lock_guard hold(mutex_);
    if (SSL_get_SSL_CTX(&of) != current_) return false;  // checked by what held before
    if (resumable_.size() >= resumable_max && !resumable_.contains(place)) {
        SSL_SESSION_free(resumable_.begin()->second);
        resumable_.erase(resumable_.begin());
    }
    SSL_SESSION_free(std::exchange(resumable_[place], made));
    return true;
}

// When each file was changed last; a missing one is a state too.
std::vector<std::string> tls_context::file_states() const {
    std::vector<std::string> states;
    for (const std::string& name : {config_.cafile, config_.certfile, config_.keyfile, config_.capath}) {
        struct stat is{};
        if (name.empty() || stat(name.c_str(), &is) != 0) {
            states.emplace_back();
            continue;
        }
#ifdef __APPLE__
        const timespec changed = is.st_mtimespec;
#else
        const timespec changed = is.st_mtim;
#endif
        states.push_back(std::to_string(changed.tv_sec) + "." + std::to_string(changed.tv_nsec) + " " +
                         std::to_string(is.st_ino) + " " + std::to_string(is.st_size));
    }
    return states;
}

result<bool> tls_context::refresh() {
    std::vector<std::string> now = file_states();
    {
        const std::lock_guard hold(mutex_);
        if (now == seen_) return false;
        seen_ = std::move(now);
    }
    auto built = build();
    if (!built) return std::unexpected(std::move(built.error()));
    const std::lock_guard hold(mutex_);
    // A resumed session would pass by the new authorities and lists.
    for (const auto& [name, each] : resumable_) SSL_SESSION_free(each);
    resumable_.clear();
    SSL_CTX_free(std::exchange(current_, *built));
    return true;
}

}  // namespace aero::io

#else

namespace aero::io {

result<std::shared_ptr<tls_context>> tls_context::make(tls_config, side) {
    return fail(code::tls,
                "TLS: this build has none, for OpenSSL's headers were missing; install them and build it again");
}
tls_context::~tls_context() = default;
result<std::unique_ptr<tls_session>> tls_context::begin(const std::string&, const std::string&) { return nullptr; }
result<bool> tls_context::refresh() { return false; }

}  // namespace aero::io

#endif
