#include "ops/apply.h"
#include "ops/write_plan.h"
#include "serve/record_rules.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::byte_view;
using aero::code;

namespace {

constexpr uint32_t ttl_default = 0;
constexpr uint32_t ttl_never = 0xFFFFFFFF;
constexpr uint32_t ttl_keep = 0xFFFFFFFE;
constexpr unsigned bins_max = 32767;
constexpr size_t storage_overhead =
    35 + 4;  // what the real server adds to every record before it compares with the limit

struct record_end {
    code what = code::ok;
    uint32_t void_time = 0;
};

record_end end_of(uint32_t ttl, const record* old, uint64_t now_ms, const options& how) {
    if (ttl == ttl_keep && old == nullptr) ttl = ttl_default;
    if (ttl != ttl_never && ttl != ttl_keep && ttl > ttl_s_max) return {code::parameter};
    if (ttl == ttl_never) return {};
    if (ttl == ttl_keep) return {code::ok, old->void_time};
    const uint32_t life_s = ttl == ttl_default ? how.default_ttl_s : ttl;
    if (life_s == 0) return {};
    if (how.nsup_period_s == 0 && ttl != ttl_default) return {code::forbidden};
    return {code::ok, static_cast<uint32_t>(now_ms / 1000) + life_s};
}

size_t size_of_length(size_t length) noexcept { return length < 128 ? 1 : length < 16384 ? 2 : 3; }

size_t storage_size(const bin_table& bins, byte_view key, std::string_view set, uint32_t void_time) {
    return storage_overhead + (void_time != 0 ? 4 : 0) + (set.empty() ? 0 : 1 + set.size()) +
           (key.empty() ? 0 : size_of_length(key.size()) + key.size()) + size_of_length(bins.size()) +
           bins.storage_size();
}

// The rules that come before any operation, in the order the real server applies them. `old` is null for a record that
// is missing or counts as such.
code admit(const record_request& request, const write_plan& plan, const record* old) {
    if (plan.must_exist && old == nullptr) return code::record_not_found;
    if ((request.info2 & wire::info2::create_only) && old != nullptr) return code::record_exists;
    if (!generation_agrees(old == nullptr ? 0 : old->generation, request)) return code::generation;
    if (request.set.size() > wire::set_size_max) return code::parameter;
    if (old != nullptr && !set_is(*old, request.set)) return code::parameter;
    if (old != nullptr && old->stored_key_size != 0) return key_agrees(*old, request) ? code::ok : code::key_mismatch;
    if (request.has_key && request.stored_key.size() < 2) return code::unsupported_feature;  // an empty key
    return code::ok;
}

}  // namespace

outcome write_record(const touch_place& at, const record_request& request, reply& to) {
    write_plan plan;
    if (const code bad = plan_write(request, plan); bad != code::ok) return {bad};
    const record* held = at.part.records.find(request.key);
    const record* old = held != nullptr && !at.in.is_doomed(*held) ? held : nullptr;
    outcome end;
    if (old != nullptr) end = {code::ok, old->generation, old->void_time};
    const auto fail = [&](code what) { return outcome{what, end.generation, end.void_time}; };
    if (const code bad = admit(request, plan, old); bad != code::ok) return fail(bad);
    const uint64_t now_ms = at.node.now_ms();
    const record_end life = end_of(request.ttl, old, now_ms, at.node.settings());
    if (life.what != code::ok) return fail(life.what);

    // Kept by the thread, so that a write allocates nothing but its record. Views in them die with this call.
    thread_local bin_table bins;
    thread_local arena memory;
    memory.reset();
    bins.clear();
    if (old != nullptr && !plan.replaces) bins.load(*old);
    write_work work{request, bins, memory, to};
    if (const code bad = apply_ops(work); bad != code::ok) return fail(bad);
    if (bins.size() > bins_max) return fail(code::parameter);

    if (bins.size() == 0) {
        if (old == nullptr) return fail(code::record_not_found);
        if (request.info2 & wire::info2::durable_delete) return fail(code::enterprise_only);
        if (!at.node.replicate_drop(at.in, at.part, request.key)) return {.unsettled = true};
        at.in.erase(at.part, request.key);
        at.node.note_drop(request.key);
        return {code::ok};
    }
    const byte_view key = old != nullptr && old->stored_key_size != 0 ? old->stored_key()
                          : request.has_key                           ? request.stored_key
                                                                      : byte_view{};
    if (storage_size(bins, key, request.set, life.void_time) > at.node.settings().record_size_max)
        return fail(code::record_too_big);
    set_info* set = old != nullptr ? old->set : nullptr;
    if (old == nullptr && !request.set.empty()) {
        set = at.in.sets().find_or_make(request.set);
        if (set == nullptr) return fail(code::parameter);
    }

    record_ptr made = make_record(request.key, key.size(), bins.wire_size());
    if (!key.empty()) std::memcpy(made->data(), key.data(), key.size());
    bins.write(made->data() + key.size());
    made->bin_count = static_cast<uint16_t>(bins.size());
    made->generation = old == nullptr ? uint16_t{1} : next_generation(old->generation);
    made->void_time = life.void_time;
    made->last_update_ms = now_ms;
    made->set = set;
    end = {code::ok, made->generation, made->void_time};
    if (!at.node.replicate(at.in, at.part, *made)) return {.unsettled = true};
    at.node.note_write('m', *made);
    at.in.put(at.part, std::move(made));
    return end;
}

}  // namespace aero_server
