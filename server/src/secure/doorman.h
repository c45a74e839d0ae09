// Knows who is at the other end of one connection and what he may do. One thread, like its connection.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/buffer.h"
#include "secure/users.h"
#include "wire/admin.h"

namespace aero_server {

class node;

class doorman {
  public:
    explicit doorman(node& here);
    ~doorman();
    doorman(const doorman&) = delete;
    doorman& operator=(const doorman&) = delete;

    void comes_from(const ip_address& where) noexcept { where_ = where; }
    // The name in the client's certificate, once its TLS handshake is done.
    void certified(std::string name) { certified_ = std::move(name); }
    // Before each request: what has changed about users and roles since the last one counts.
    void look_again() {
        if (who_ != nullptr && seen_ != everybody_.version()) recognise();
    }
    // Answers a security message.
    void answer(aero::byte_view body, aero::buffer& to);

    bool known() const noexcept { return may_ != nullptr; }
    // ok, not_authenticated, not_allowlisted or role_violation.
    aero::code check(rights needed, std::string_view name_space, std::string_view set) const noexcept;
    // What may be done by whoever it is, now; for a request that takes a while. REQUIRES: known
    std::shared_ptr<const permit> may() const noexcept { return may_; }

  private:
    aero::code admit(const aero::wire::admin_message& asked, aero::secret& token);
    aero::code log_in(const aero::wire::admin_message& asked, aero::secret& token);
    aero::code authenticate(const aero::wire::admin_message& asked);
    aero::code let_in(user_ptr who);
    void recognise();

    node& here_;
    users& everybody_;
    ip_address where_{};
    std::string certified_;
    user_ptr who_;                       // null: not logged in, or security is off
    std::shared_ptr<const permit> may_;  // null: nobody knows him
    uint64_t seen_ = 0;                  // version of the users that `who_` is of
};

}  // namespace aero_server
