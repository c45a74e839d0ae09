// What is true in the simulated world: every write, when it was done, how often it was asked for.
//
// Every record holds one integer bin, and every value is written by one call only, so a test can say afterwards which
// answers were possible.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "aero/request.h"
#include "base/bytes.h"
#include "base/time.h"

namespace aero::tests {

class sim_model {
  public:
    void apply(const digest& key, uint64_t value, nanos when);
    bool was_applied(uint64_t value) const { return applied_.contains(value); }
    std::optional<uint64_t> current(const digest& key) const;
    // Whether a read that ran between these times may have seen this; nothing stands for "no record".
    bool could_be_seen(const digest& key, std::optional<uint64_t> value, nanos from, nanos until) const;

    // The client began to send this request: its writes may happen from now on.
    void note_request(byte_view request);
    unsigned times_sent(uint64_t value) const;
    // The client has read a node's word that this write was not done.
    void note_refusal(uint64_t value) { ++refused_[value]; }
    unsigned times_refused(uint64_t value) const;

    // Somebody asked for something before he said who he is.
    void note_stranger() { ++strangers_; }
    unsigned strangers() const noexcept { return strangers_; }

  private:
    struct change {
        nanos when;
        uint64_t value;
    };
    std::map<digest, std::vector<change>> history_;
    std::map<uint64_t, nanos> applied_;
    std::map<uint64_t, unsigned> sent_, refused_;
    unsigned strangers_ = 0;
};

// What a record message or a row asks for, as far as the model knows it.
struct sim_asked {
    digest key{};
    bool writes = false;
    uint64_t value = 0;
};
// Calls `each` for the record or for every row of a request; gives whether it is a batch.
bool read_request(byte_view body, const std::function<void(const sim_asked&, uint32_t index)>& each);

}  // namespace aero::tests
