// The keys that policies and metas may hold, and a dict of them read into numbers. What the numbers mean is
// policy.cc's.
#pragma once

#include <array>

#include "compat.h"

namespace aero::py {

enum class policy_field : uint8_t {
    socket_timeout,
    total_timeout,
    max_retries,
    sleep_between_retries,
    timeout_delay,
    compress,
    replica,
    read_mode_ap,
    read_touch_ttl_percent,
    key,
    exists,
    gen,
    commit_level,
    ttl,
    durable_delete,
    concurrency,
    allow_inline,
    allow_inline_ssd,
    respond_all_keys,
    filter_expression,
    timeout,
    count_,
};
inline constexpr size_t policy_field_count = static_cast<size_t>(policy_field::count_);

const char* name_of_field(policy_field which) noexcept;

// One kind of dict: its name in messages and the fields it knows.
struct policy_kind {
    const char* name;  // as aerospike_py._policies.unknown_key calls it
    const char* what;  // "policy" or "meta", for type errors
    uint32_t known;    // one bit per field

    bool knows(PyObject* name_of_key) const noexcept;
};
extern const policy_kind read_kind, write_kind, batch_kind, admin_kind, meta_kind, delete_meta_kind;

// The values that were given.
class policy_fields {
  public:
    bool has(policy_field which) const noexcept { return (given_ >> static_cast<unsigned>(which) & 1) != 0; }
    int64_t operator[](policy_field which) const noexcept { return values_[static_cast<size_t>(which)]; }
    void set(policy_field which, int64_t value) noexcept {
        values_[static_cast<size_t>(which)] = value;
        given_ |= 1u << static_cast<unsigned>(which);
    }

  private:
    std::array<int64_t, policy_field_count> values_;
    uint32_t given_ = 0;
};

// Reads a dict. Wrong types are TypeErrors in CPython's own words, unknown keys a warning or, when strict, an error.
bool read_fields(PyObject* dict, const policy_kind& kind, bool strict, policy_fields& to);
// An int; numbers beyond 64 bits come out as the nearest one, so that range checks see them.
bool field_value(PyObject* value, int64_t& to);
// Says that nobody knows a key; false when that is an error.
bool report_unknown_key(const char* kind, PyObject* key, bool strict);

bool intern_fields();  // while the module executes

}  // namespace aero::py
