// Knows who is at the other end of one connection and what he may do. One thread, like its connection.
#pragma once

#include <optional>
#include <string>

#include "aero/error.h"
#include "base/buffer.h"
#include "secure/users.h"

namespace aero_server {

class node;

class doorman {
  public:
    explicit doorman(node& here);

    // The name in the client's certificate, once its TLS handshake is done.
    void certified(std::string name) { certified_ = std::move(name); }
    // Answers a security message.
    void answer(aero::byte_view body, aero::buffer& to);

    bool known() const noexcept { return may_ != nobody; }
    // ok, not_authenticated or role_violation.
    aero::code check(rights needed) const noexcept;
    rights may() const noexcept { return may_; }

  private:
    static constexpr rights nobody = 1u << 31;  // a right that no role gives: not logged in
    aero::code admit(aero::byte_view body, aero::secret& token);
    aero::code log_in(std::optional<std::string_view> name, std::optional<std::string_view> credential,
                      std::optional<std::string_view> clear, aero::secret& token);
    aero::code authenticate(std::optional<std::string_view> name, std::optional<std::string_view> token);

    node& here_;
    std::string certified_;
    rights may_;
};

}  // namespace aero_server
