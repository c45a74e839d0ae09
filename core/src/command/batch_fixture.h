// For tests of batches: requests of so many rows, what they launch, and the replies a node would give.
#pragma once

#include <algorithm>

#include "command/batch_call.h"
#include "command/machine_fixture.h"

namespace aero::command::testing {

struct request_of {
    explicit request_of(unsigned count, bool writes = false) {
        for (unsigned i = 0; i < count; ++i) digests.push_back(key_digest(i));
        shape.name_space = "test";
        shape.set = "demo";
        shape.info1 = writes ? 0 : wire::info1::read | wire::info1::get_all;
        shape.info2 = writes ? wire::info2::write : 0;
        request.digests = digests;
        request.templates = {&shape, 1};
        request.is_write = writes;
    }
    std::vector<digest> digests;
    row_template shape;
    batch_request request;
};

// The rows that a request message asks for, by index.
inline std::vector<uint32_t> rows_asked(const attempt& which) { return which.rows; }

inline std::vector<std::unique_ptr<attempt>> launches(batch_call& call) {
    std::vector<std::unique_ptr<attempt>> all;
    while (auto one = call.next_launch()) all.push_back(std::move(one));
    return all;
}

inline buffer reply_for(std::vector<uint32_t> rows, uint8_t verdict = 0) {
    std::ranges::reverse(rows);  // completion order is any order
    buffer made;
    std::vector<answer_row> answers;
    for (const uint32_t row : rows) answers.push_back({row});
    const size_t half = answers.size() / 2;
    if (half > 0) append_rows(made, std::span(answers).first(half));
    if (answers.size() > half) append_rows(made, std::span(answers).subspan(half));
    append_last(made, verdict);
    return made;
}

inline int64_t value_of(const batch_reply& reply, size_t row) {
    reader ops(reply.ops_of(reply.rows[row]));
    return load_be<int64_t>(wire::read_op(ops).value.data());
}

}  // namespace aero::command::testing
