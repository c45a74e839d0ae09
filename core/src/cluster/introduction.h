// What is said on a new connection to a node that wants to know who we are: a token, or a login that earns one.
//
//     authenticate ──refused──> login (tend links) ──> session
//                  ──refused──> the connection fails and the session is to be renewed (all others)
//
// A machine of bytes, for one connection. Keeps what it refers to alive.
#pragma once

#include <memory>

#include "cluster/session.h"
#include "io/stream.h"

namespace aero::cluster {

// Who we are, as the protocol wants it told.
struct credentials {
    std::string user;
    secret hash;   // of the password; none for PKI
    secret clear;  // external: the password itself
    bool by_certificate = false;
};

class introduction final : public io::greeting {
  public:
    enum class way : uint8_t { token, login };

    // REQUIRES: a token in `known` for way::token. `may_log_in`: when the token is refused.
    introduction(std::shared_ptr<const credentials> who, std::shared_ptr<session> known, way how, bool may_log_in);
    ~introduction() override { wipe_request(); }

    byte_view output() noexcept override { return request_.view(); }
    byte_span input() override;
    verdict received(size_t bytes) override;
    error why() const override { return why_; }

  private:
    void log_in();
    void show(const session::pass& known);
    verdict judge(byte_view body);
    verdict judge_login(const wire::admin_message& reply);
    verdict refuse(code what, std::string text);
    void wipe_request() noexcept;

    const std::shared_ptr<const credentials> who_;
    const std::shared_ptr<session> session_;
    way way_;
    const bool may_log_in_;
    uint64_t shown_login_ = 0;
    buffer request_;
    buffer reply_;
    error why_;
};

}  // namespace aero::cluster
