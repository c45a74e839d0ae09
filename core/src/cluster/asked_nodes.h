// The nodes that a call has asked in vain, as far as it remembers, so that it asks another one next. A plain value; the
// nodes are only compared, for they may be gone.
#pragma once

#include <utility>

namespace aero::cluster {

class node;

class asked_nodes {
  public:
    bool none() const noexcept { return last_ == nullptr; }
    void add(const node* who) noexcept {
        if (who != last_) before_ = std::exchange(last_, who);
    }
    // 0: not asked, as far as is remembered. What was asked longer ago has the better chance.
    unsigned turn(const node* who) const noexcept { return who == last_ ? 2 : who == before_ ? 1 : 0; }

  private:
    const node* last_ = nullptr;
    const node* before_ = nullptr;
};

}  // namespace aero::cluster
