#include "serve/record_rules.h"

namespace aero_server {

using aero::code;

// Success and failures alike tell neither generation nor void time.
outcome delete_record(const touch_place& at, const record_request& request) {
    if (request.info2 & aero::wire::info2::durable_delete) return {code::enterprise_only};
    const record* r = at.part.records.find(request.key);
    if (r == nullptr) return {code::record_not_found};
    if (!set_agrees(*r, request.set)) return {code::parameter};
    if (!generation_agrees(r->generation, request)) return {code::generation};
    if (!key_agrees(*r, request)) return {code::key_mismatch};
    const bool doomed = at.in.is_doomed(*r);
    if (!at.node.replicate_drop(at.in, at.part, request.key)) return {.unsettled = true};
    at.in.erase(at.part, request.key);
    at.node.note_drop(request.key);
    return {doomed ? code::record_not_found : code::ok};
}

}  // namespace aero_server
