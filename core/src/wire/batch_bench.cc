// A batch read of 1,800 keys in 9 sets: encoding the request, walking the reply, reading every operation of it.
#include "wire/batch.h"

#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <vector>

#include "testing/benchmarks.h"

namespace aero::wire {
namespace {

constexpr uint32_t rows_count = 1800;
constexpr uint32_t rows_per_set = 200;

std::vector<digest> some_digests() {
    std::vector<digest> digests(rows_count);
    for (uint32_t i = 0; i < rows_count; ++i) {
        for (size_t b = 0; b < digest_size; ++b) digests[i][b] = static_cast<uint8_t>(i * 31 + b * 17);
    }
    return digests;
}

void encode_batch_read(benchmark::State& state) {
    const std::vector<digest> digests = some_digests();
    std::array<std::string, 9> sets;
    for (size_t i = 0; i < sets.size(); ++i) sets[i] = "fv_" + std::to_string(i);
    buffer to;
    for (auto _ : state) {
        to.clear();
        batch_writer writer(to, batch_flag::in_line | batch_flag::respond_all_keys, 1000, rows_count);
        row_template shape;
        shape.name_space = "test";
        shape.info1 = info1::read | info1::get_all;
        for (uint32_t i = 0; i < rows_count; ++i) {
            if (i % rows_per_set == 0) {
                shape.set = sets[i / rows_per_set];
                writer.row(i, digests[i], shape);
            } else {
                writer.repeat(i, digests[i]);
            }
        }
        writer.finish();
        benchmark::DoNotOptimize(to.data());
        benchmark::ClobberMemory();
    }
    testing::items(state, rows_count);
}
BENCHMARK(encode_batch_read)->Apply(testing::countable);

// Rows of eight bins: four integers, two floats, two strings.
buffer reply_body() {
    buffer body;
    const std::array<uint8_t, 8> number{0, 0, 0, 0, 0, 0, 1, 2};
    for (uint32_t i = 0; i < rows_count; ++i) {
        message_header header;
        header.generation = 1;
        header.transaction_ttl = i;
        header.ops = 8;
        encode_message_header(body.room(message_header_size), header);
        body.commit(message_header_size);
        for (unsigned b = 0; b < 8; ++b) {
            const std::string name = "bin_" + std::to_string(b);
            if (b < 6) {
                append_op(body, op_code::read, b < 4 ? particle::integer : particle::floating, name, number);
            } else {
                append_op(body, op_code::read, particle::string, name, as_bytes("sixteen letters."));
            }
        }
    }
    return body;
}

void walk_reply_rows(benchmark::State& state) {
    const buffer body = reply_body();
    for (auto _ : state) {
        reply_rows rows(body.view());
        reply_row row;
        while (rows.next(row)) benchmark::DoNotOptimize(row);
    }
    testing::items(state, rows_count);
}
BENCHMARK(walk_reply_rows)->Apply(testing::countable);

void walk_reply_rows_and_read_ops(benchmark::State& state) {
    const buffer body = reply_body();
    for (auto _ : state) {
        reply_rows rows(body.view());
        reply_row row;
        while (rows.next(row)) {
            reader ops(row.ops);
            for (unsigned i = 0; i < row.header.ops; ++i) benchmark::DoNotOptimize(read_op(ops));
        }
    }
    testing::items(state, rows_count);
}
BENCHMARK(walk_reply_rows_and_read_ops)->Apply(testing::countable);

void walk_request_rows(benchmark::State& state) {
    const std::vector<digest> digests = some_digests();
    buffer message;
    batch_writer writer(message, 0, 0, rows_count);
    row_template shape;
    shape.name_space = "test";
    shape.set = "fv_0";
    shape.info1 = info1::read | info1::get_all;
    writer.row(0, digests[0], shape);
    for (uint32_t i = 1; i < rows_count; ++i) writer.repeat(i, digests[i]);
    writer.finish();
    const byte_view field = message.view().subspan(frame_header_size + message_header_size + 5);
    for (auto _ : state) {
        request_rows rows(field);
        request_row row;
        while (rows.next(row)) benchmark::DoNotOptimize(row);
    }
    testing::items(state, rows_count);
}
BENCHMARK(walk_request_rows)->Apply(testing::countable);

}  // namespace
}  // namespace aero::wire
