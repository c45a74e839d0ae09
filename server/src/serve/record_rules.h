// Checks that reads, writes and deletes of a record share.
#pragma once

#include "serve/engine.h"

namespace aero_server {

// A set may be left out of reads and deletes; one that is given must be the record's.
inline bool set_agrees(const record& r, std::string_view set) noexcept {
    return set.empty() || (r.set != nullptr && r.set->name == set);
}
// A write names exactly the record's set.
inline bool set_is(const record& r, std::string_view set) noexcept {
    return r.set == nullptr ? set.empty() : r.set->name == set;
}
// A key that is sent must be the stored one, if one is stored.
inline bool key_agrees(const record& r, const record_request& request) noexcept {
    if (!request.has_key || r.stored_key_size == 0) return true;
    const aero::byte_view kept = r.stored_key();
    return kept.size() == request.stored_key.size() &&
           std::memcmp(kept.data(), request.stored_key.data(), kept.size()) == 0;
}
// A missing record has generation 0. The expected one is compared in all its 32 bits.
inline bool generation_agrees(uint32_t held, const record_request& request) noexcept {
    if (request.info2 & aero::wire::info2::generation) return request.generation == held;
    if (request.info2 & aero::wire::info2::generation_gt) return request.generation > held;
    return true;
}
inline bool is_bin_name(std::string_view name) noexcept {
    return name.size() <= aero::wire::bin_name_size_max && name.find('\0') == std::string_view::npos;
}

inline constexpr unsigned ops_max = 32768;
inline constexpr uint32_t ttl_s_max = 315'360'000;  // ten years

}  // namespace aero_server
