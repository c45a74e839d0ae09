// The core's whole work on a batch read of 1,800 keys, kernel left out: prepared, routed, encoded, and the reply
// indexed.
#include "command/batch_call.h"

#include <benchmark/benchmark.h>

#include "command/machine_fixture.h"
#include "testing/benchmarks.h"

namespace aero::command {
namespace {

constexpr unsigned rows_count = 1800;

struct batch_of_reads {
    batch_of_reads() {
        for (unsigned i = 0; i < rows_count; ++i) digests.push_back(testing::key_digest(i));
        shape.name_space = "test";
        shape.set = "demo";
        shape.info1 = wire::info1::read | wire::info1::get_all;
        request.digests = digests;
        request.templates = {&shape, 1};
    }
    std::vector<digest> digests;
    row_template shape;
    batch_request request;
};

// What a node answers to an attempt: its rows in messages of a hundred, eight bins each, then LAST.
buffer reply_to(const attempt& which) {
    buffer made;
    const std::span rows(which.rows);
    for (size_t start = 0; start < rows.size(); start += 100) {
        const size_t frame = made.size();
        made.commit((made.room(wire::frame_header_size), wire::frame_header_size));
        for (const uint32_t row : rows.subspan(start, std::min<size_t>(100, rows.size() - start))) {
            uint8_t header[wire::message_header_size];
            wire::encode_message_header(header, {.generation = 1, .transaction_ttl = row, .ops = 8});
            made.append(header);
            const uint8_t eight[8] = {0, 0, 0, 0, 0, 0, 1, 2};
            for (unsigned bin = 0; bin < 8; ++bin)
                wire::append_op(made, wire::op_code::read, wire::particle::integer, "bin_" + std::to_string(bin),
                                eight);
        }
        wire::encode_frame_header(made.data() + frame, wire::frame_type::message,
                                  made.size() - frame - wire::frame_header_size);
    }
    testing::append_last(made);
    return made;
}

std::vector<std::unique_ptr<attempt>> begun(batch_call& call, const batch_of_reads& batch,
                                            const cluster::view_ptr& view) {
    call.prepare(batch.request, {});
    call.start(view, 0);
    std::vector<std::unique_ptr<attempt>> all;
    while (auto one = call.next_launch()) all.push_back(std::move(one));
    return all;
}

// Argument: nodes.
void whole_batch_call(benchmark::State& state) {
    const batch_of_reads batch;
    const cluster::view_ptr view = testing::view_of(static_cast<unsigned>(state.range(0)), 2);
    std::vector<buffer> replies;
    {
        batch_call asked;
        const auto attempts = begun(asked, batch, view);
        for (const auto& one : attempts) replies.push_back(reply_to(*one));
        asked.abandon(code::cancelled, "only the requests were wanted", 0);
    }
    for (auto _ : state) {
        batch_call live;
        auto attempts = begun(live, batch, view);
        for (size_t i = 0; i < attempts.size(); ++i) {
            testing::answer(*attempts[i], replies[i].view(), 1);
            live.finished(std::move(attempts[i]), view, 1);
        }
        if (!live.done() || live.failure() != nullptr) state.SkipWithError("the call did not succeed");
        benchmark::DoNotOptimize(live.take_reply());
    }
    aero::testing::items(state, rows_count);
}
BENCHMARK(whole_batch_call)->Arg(1)->Arg(8)->Apply(aero::testing::countable);

}  // namespace
}  // namespace aero::command
