// One TLS connection as a machine of bytes: what the peer sent goes in, what is to be sent comes out, plain text on the
// other side. It owns no socket and reads no clock.
//
//     handshake ──wants_input──> (send `outgoing`, feed `incoming`) ──> handshake ... ──ok──> write, read
//
// One thread at a time. Made by a tls_context, which it keeps alive.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/buffer.h"

struct ssl_st;

namespace aero::io {

class tls_context;

class tls_session {
  public:
    static constexpr size_t record_max = 16384;  // plain bytes of one record
    static constexpr size_t feed_size = record_max + 1024;

    enum class state : uint8_t {
        ok,
        wants_input,  // send what is outgoing, then feed what the peer answers
        closed,       // the peer said that it is done
        failed,       // `why` says how; nothing can be read or written any more
    };
    struct progress {
        state what;
        size_t bytes = 0;
    };

    ~tls_session();
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;

    // The side of the wire. Bytes from the peer are appended to `incoming`; `sent` takes off what went out.
    buffer& incoming() noexcept { return in_; }
    void end_of_input() noexcept { input_ended_ = true; }
    byte_view outgoing() const noexcept { return out_.view().subspan(out_taken_); }
    void sent(size_t bytes) noexcept;

    // The plain side. `write` seals at most one record; `read` opens as much of what arrived as fits. Bytes may come
    // with any state.
    state handshake();
    bool established() const noexcept { return established_; }
    progress write(byte_view plain);
    progress read(byte_span into);
    // Opened or still sealed bytes are here that a read without new input may give.
    bool holds_more() const noexcept;

    const std::string& why() const noexcept { return why_; }
    bool resumed() const noexcept;
    std::string peer_name() const;              // the common name of the peer's certificate; empty: it showed none
    std::string_view version() const noexcept;  // "TLSv1.3"

  private:
    friend class tls_context;
    friend struct tls_bytes;  // what OpenSSL calls
    friend struct tls_hooks;
    tls_session(std::shared_ptr<tls_context> of, ssl_st* made, std::string place);

    state state_of(int returned);
    size_t take_input(byte_span into) noexcept;

    const std::shared_ptr<tls_context> context_;
    ssl_st* const ssl_;
    const std::string place_;  // names the session to resume
    buffer in_;
    size_t in_taken_ = 0;
    buffer out_;
    size_t out_taken_ = 0;
    bool input_ended_ = false;
    bool established_ = false;
    bool starved_ = false;  // memory ran out under OpenSSL
    std::string why_;
};

}  // namespace aero::io
