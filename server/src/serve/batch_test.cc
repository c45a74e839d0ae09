#include "serve/batch.h"

#include <gtest/gtest.h>

#include "ring/cluster.h"
#include "testing/ask.h"

namespace aero_server {
namespace {

using testing::ask;
using testing::buffer;
using testing::key_in;
using testing::told;
namespace wire = aero::wire;
using wire::op_code;
using wire::particle;

constexpr uint8_t answer_all = wire::batch_flag::respond_all_keys | wire::batch_flag::report_error_row;

class Batch : public ::testing::Test {
  protected:
    Batch() {
        ring_.form();
        for (uint32_t i = 0; i < 5; ++i) testing::run(node_, ask(key_in(i)).write().put("a", i).put("b", 10 * i));
    }
    static aero::row_template shape(uint8_t info1, uint8_t info2 = 0) {
        aero::row_template made;
        made.name_space = "test";
        made.set = "users";
        made.info1 = info1;
        made.info2 = info2;
        return made;
    }
    // Rows that read all bins of these partitions' records.
    buffer reads(const std::vector<unsigned>& partitions, uint8_t flags = answer_all) {
        buffer to;
        const auto all = shape(wire::info1::read | wire::info1::get_all);
        wire::batch_writer writer(to, flags, 1000, static_cast<uint32_t>(partitions.size()));
        for (uint32_t i = 0; i < partitions.size(); ++i) {
            if (i == 0) {
                writer.row(i, key_in(partitions[i]), all);
            } else {
                writer.repeat(i, key_in(partitions[i]));
            }
        }
        writer.finish();
        return to;
    }
    // The rows of the reply without the closing message, whose code goes to `verdict_`.
    std::vector<told> run(const buffer& request, size_t output_max = SIZE_MAX) {
        buffer to;
        batch_run batch(node_, request.view().subspan(wire::frame_header_size), permit::unlimited());
        std::vector<told> rows;
        steps_ = 0;
        bool finished = false;
        while (!finished) {
            to.clear();
            finished = batch.step(to, output_max);
            ++steps_;
            frames_ = 0;
            for (const auto body : testing::frames_of(to.view())) {
                ++frames_;
                for (told& row : testing::read_rows(body)) rows.push_back(std::move(row));
            }
        }
        EXPECT_EQ(rows.back().info3, wire::info3::last);
        verdict_ = rows.back().code;
        rows.pop_back();
        return rows;
    }

    options how_;
    server_clock clock_;
    engine node_{0, how_, clock_};
    cluster ring_{how_, {"A1"}, {&node_}};
    unsigned verdict_ = 0;
    unsigned steps_ = 0;
    unsigned frames_ = 0;
};

TEST_F(Batch, AnswersEveryRowByItsIndex) {
    const auto rows = run(reads({3, 1, 99, 3}));
    EXPECT_EQ(verdict_, 0u);
    ASSERT_EQ(rows.size(), 4u);
    EXPECT_EQ(rows[0].row, 0u);
    EXPECT_EQ(rows[0].integers(), (std::map<std::string, uint64_t>{{"a", 3}, {"b", 30}}));
    EXPECT_EQ(rows[1].integers().at("a"), 1u);
    EXPECT_EQ(rows[2].code, 2u);
    EXPECT_EQ(rows[2].row, 2u);
    EXPECT_EQ(rows[3].integers().at("a"), 3u);
}

TEST_F(Batch, RowsOfAnyMixtureAreCarriedOutInTurn) {
    buffer ops;
    wire::append_op(ops, op_code::incr, particle::integer, "a", aero::as_bytes(testing::integer(7)));
    wire::append_op(ops, op_code::read, particle::null, "a", {});
    auto change = shape(wire::info1::read, wire::info2::write | wire::info2::respond_all_ops);
    change.ops = ops.view();
    change.op_count = 2;
    buffer to;
    wire::batch_writer writer(to, answer_all, 1000, 4);
    writer.row(0, key_in(1), change);
    writer.row(1, key_in(2), shape(0, wire::info2::write | wire::info2::delete_record));
    writer.row(2, key_in(2), shape(wire::info1::read | wire::info1::get_no_bins));
    writer.row(3, key_in(1), shape(wire::info1::read | wire::info1::get_all));
    writer.finish();
    const auto rows = run(to);
    ASSERT_EQ(rows.size(), 4u);
    ASSERT_EQ(rows[0].ops.size(), 2u);
    EXPECT_EQ(rows[0].ops[0].code, op_code::incr);
    EXPECT_EQ(rows[0].ops[0].type, particle::null);
    EXPECT_EQ(rows[0].ops[1].value, testing::integer(8));
    EXPECT_EQ(rows[1].code, 0u);
    EXPECT_EQ(rows[2].code, 2u);
    EXPECT_EQ(rows[3].integers().at("a"), 8u);
}

TEST_F(Batch, FlagsSayWhatBecomesOfAFailingRow) {
    const auto build = [&](uint8_t flags) {
        buffer to;
        wire::batch_writer writer(to, flags, 1000, 3);
        writer.row(0, key_in(0), shape(wire::info1::read | wire::info1::get_all));
        writer.row(1, key_in(1), shape(wire::info1::read));  // reads nothing: 4
        writer.row(2, key_in(2), shape(wire::info1::read | wire::info1::get_all));
        writer.finish();
        return to;
    };
    EXPECT_EQ(run(build(answer_all)).size(), 3u);
    EXPECT_EQ(verdict_, 0u);
    const auto failing_row = run(build(wire::batch_flag::report_error_row));
    EXPECT_EQ(verdict_, 4u);
    EXPECT_EQ(failing_row.at(1).code, 4u);
    const auto trailer_only = run(build(0));
    EXPECT_EQ(verdict_, 4u);
    for (const told& row : trailer_only) EXPECT_EQ(row.code, 0u);
}

TEST_F(Batch, BadRequestsGetOneClosingMessage) {
    auto unknown = shape(wire::info1::read | wire::info1::get_all);
    unknown.name_space = "other";
    buffer to;
    wire::batch_writer writer(to, answer_all, 1000, 2);
    writer.row(0, key_in(0), shape(wire::info1::read | wire::info1::get_all));
    writer.row(1, key_in(1), unknown);
    writer.finish();
    EXPECT_TRUE(run(to).empty());
    EXPECT_EQ(verdict_, 4u);

    buffer none;
    wire::batch_writer empty(none, answer_all, 1000, 0);
    empty.finish();
    EXPECT_TRUE(run(none).empty());
    EXPECT_EQ(verdict_, 4u);

    buffer missing;
    wire::message_writer message(missing);
    message.header().info1 = wire::info1::batch;
    message.finish();
    EXPECT_TRUE(run(missing).empty());
    EXPECT_EQ(verdict_, 4u);

    buffer filtered;
    const uint8_t expression[] = {0x93};
    wire::batch_writer with_filter(filtered, answer_all, 1000, 1, expression);
    with_filter.row(0, key_in(0), shape(wire::info1::read | wire::info1::get_all));
    with_filter.finish();
    EXPECT_TRUE(run(filtered).empty());
    EXPECT_EQ(verdict_, 4u);
}

TEST_F(Batch, EveryCutOfARequestIsRefused) {
    const buffer whole = reads({0, 1, 2});
    const size_t rows_start = wire::frame_header_size + wire::message_header_size + 5;
    for (size_t size = rows_start; size < whole.size(); ++size) {
        buffer cut;
        cut.append(whole.view().first(size));
        aero::store_be(cut.data() + rows_start - 5, static_cast<uint32_t>(size - rows_start + 1));
        EXPECT_TRUE(run(cut).empty()) << size;
        EXPECT_EQ(verdict_, 4u) << size;
    }
}

TEST_F(Batch, MoreRowsThanAllowedAreRefused) {
    how_.batch_rows_max = 2;
    EXPECT_TRUE(run(reads({0, 1, 2})).empty());
    EXPECT_EQ(verdict_, 151u);
    EXPECT_EQ(run(reads({0, 1})).size(), 2u);
}

TEST_F(Batch, LongRepliesComeInBlocks) {
    const std::vector<unsigned> many(20000, 3);
    EXPECT_EQ(run(reads(many)).size(), many.size());
    EXPECT_GT(frames_, 5u);
}

TEST_F(Batch, StopsWhenEnoughOutputWaitsAndGoesOnLater) {
    const std::vector<unsigned> many(5000, 3);
    const auto rows = run(reads(many), 10'000);
    EXPECT_GT(steps_, 10u);
    ASSERT_EQ(rows.size(), many.size());
    for (uint32_t i = 0; i < rows.size(); ++i) ASSERT_EQ(rows[i].row, i);
}

}  // namespace
}  // namespace aero_server
