#include "ops/bins.h"
#include "ops/op_kind.h"
#include "serve/record_rules.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::code;
using aero::reader;

namespace {

constexpr uint32_t never_renew = 0xFFFFFFFF;

// One answer for each operation that finds something, in the order asked.
code read_bins(const record& r, const record_request& request, reply& to) {
    if (request.op_count == 0 || request.op_count > ops_max) return code::parameter;
    reader ops(request.ops);
    for (unsigned i = 0; i < request.op_count; ++i) {
        const wire::op_view op = wire::read_op(ops);
        if (!is_bin_name(op.name)) return code::bin_name;
        if (is_foreign_read(op.code)) return code::unsupported_feature;
        if (op.code != wire::op_code::read) return code::parameter;
        const found_bin b = find_bin(r, op.name);
        if (b.found) {
            to.op(op.code, b.value.type, op.name, b.value.value);
        } else if (request.responds_all()) {
            to.null_op(op.code, op.name);
        }
    }
    return code::ok;
}

}  // namespace

bool read_renews(const store& in, const record& r, uint32_t percent) noexcept {
    if (r.void_time == 0 || percent == 0 || percent == never_renew || percent > 100) return false;
    const auto written_s = static_cast<uint32_t>(r.last_update_ms / 1000);
    const uint32_t ttl_s = r.void_time > written_s ? r.void_time - written_s : 0;
    return in.clock().now_s() >= r.void_time - static_cast<uint32_t>(uint64_t{ttl_s} * percent / 100);
}

outcome read_record(const touch_place& at, const record_request& request, reply& to) {
    record* r = at.part.records.find(request.key);
    if (r == nullptr) return {code::record_not_found};
    outcome end{code::ok, r->generation, r->void_time};
    const auto fail = [&](code what) { return outcome{what, end.generation, end.void_time}; };
    if (!set_agrees(*r, request.set)) return fail(code::parameter);
    if (at.in.is_doomed(*r)) return fail(code::record_not_found);
    if (r->void_time != 0 && request.ttl > 100 && request.ttl != never_renew) return fail(code::parameter);
    if (!key_agrees(*r, request)) return fail(code::key_mismatch);

    if (!(request.info1 & wire::info1::get_no_bins)) {
        if (request.info1 & wire::info1::get_all) {
            to.finished_ops(r->bins(), r->bin_count);
        } else if (const code bad = read_bins(*r, request, to); bad != code::ok) {
            return fail(bad);
        }
    }
    if (read_renews(at.in, *r, request.ttl) && at.part.owners.mine == duty::master) {
        // The reply shows the old end. The generation stays: a read must not fail someone's generation check.
        const uint64_t now_ms = at.node.now_ms();
        const auto ttl_s = r->void_time - static_cast<uint32_t>(r->last_update_ms / 1000);
        r->void_time = static_cast<uint32_t>(now_ms / 1000) + ttl_s;
        r->last_update_ms = now_ms;
        at.node.replicate(at.in, at.part, *r);
    }
    return end;
}

}  // namespace aero_server
