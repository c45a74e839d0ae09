// What the TLS connections of one side have in common: certificates, whom they trust, which sessions they may resume.
//
// Shared by all connections of a client or server; any thread. `refresh` reads files again that have changed;
// connections keep what they began with.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aero/config.h"
#include "aero/error.h"

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace aero::io {

class tls_session;

class tls_context : public std::enable_shared_from_this<tls_context> {
  public:
    enum class side : uint8_t {
        client,  // checks the name and certificate of its peer
        server,  // has a certificate; asks its peers for one when it is told of authorities
    };
    static constexpr size_t resumable_max = 1024;  // sessions kept, one for each name and place

    // Fails with code::tls: a file that cannot be read, a key that does not fit, a build without TLS.
    static result<std::shared_ptr<tls_context>> make(tls_config config, side which);
    ~tls_context();
    tls_context(const tls_context&) = delete;
    tls_context& operator=(const tls_context&) = delete;

    // A connection to a peer at `place` whose certificate must be for `peer_name`; a server knows neither beforehand.
    result<std::unique_ptr<tls_session>> begin(const std::string& peer_name = {}, const std::string& place = {});
    // Reads certificates, keys and lists again when a file of theirs changed: true when it did. An error leaves those
    // in use that were.
    result<bool> refresh();

  private:
    friend struct tls_hooks;  // what OpenSSL calls
    tls_context(tls_config config, side which) : config_(std::move(config)), side_(which) {}

    std::vector<std::string> file_states() const;
    result<ssl_ctx_st*> build();
    bool keep_resumable(const ssl_st& of, const std::string& place, ssl_session_st* made);

    const tls_config config_;
    const side side_;
    std::mutex mutex_;
    ssl_ctx_st* current_ = nullptr;                     // guarded by mutex_
    std::vector<std::string> seen_;                     // guarded by mutex_: what the files were when read
    std::map<std::string, ssl_session_st*> resumable_;  // guarded by mutex_
};

}  // namespace aero::io
