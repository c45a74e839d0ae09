// Operations of one write, one after another.
#include <gtest/gtest.h>

#include "ring/cluster.h"
#include "testing/ask.h"

namespace aero_server {
namespace {

using aero::wire::op_code;
using aero::wire::particle;
using testing::ask;
using testing::integer;
using testing::key_in;
using testing::told;
using testing::told_op;
namespace info2 = aero::wire::info2;
using values = std::map<std::string, uint64_t>;

class ApplyOps : public ::testing::Test {
  protected:
    ApplyOps() { ring_.form(); }
    told run(ask&& what) { return testing::run(node_, what); }
    told run(ask& what) { return testing::run(node_, what); }
    ask write(uint8_t more = 0) {
        ask made(key_);
        made.write(more);
        return made;
    }
    told get() { return run(ask(key_).read_all()); }

    options how_;
    server_clock clock_;
    engine node_{0, how_, clock_};
    cluster ring_{how_, {"A1"}, {&node_}};
    const aero::wire::digest key_ = key_in(5);
};

TEST_F(ApplyOps, ReadsSeeWhatEarlierOperationsDid) {
    const told got =
        run(ask(key_).read().write().put("a", 1).op(op_code::read, {}, "a").put("a", 2).op(op_code::read, {}, "a"));
    EXPECT_EQ(got.ops, (std::vector<told_op>{{op_code::read, particle::integer, "a", integer(1)},
                                             {op_code::read, particle::integer, "a", integer(2)}}));
}

TEST_F(ApplyOps, ReadsNeedTheReadFlag) { EXPECT_EQ(run(write().put("a", 1).op(op_code::read, {}, "a")).code, 4u); }

TEST_F(ApplyOps, RespondAllAnswersEveryOperationButTouch) {
    run(write().put("a", 1));
    const told got =
        run(ask(key_).read().write(info2::respond_all_ops).put("a", 2).op(op_code::touch).op(op_code::read, {}, "x"));
    EXPECT_EQ(got.ops, (std::vector<told_op>{{op_code::write, particle::null, "a", ""},
                                             {op_code::read, particle::null, "x", ""}}));
}

TEST_F(ApplyOps, ReadAllExpandsToEveryBin) {
    run(write().put("a", 1).put("b", 2));
    EXPECT_EQ(run(ask(key_).read_all().write().put("c", 3).op(op_code::read)).integers(),
              (values{{"a", 1}, {"b", 2}, {"c", 3}}));
    EXPECT_EQ(run(ask(key_).read_all().write().put("c", 3)).code, 4u);
    EXPECT_EQ(run(ask(key_).read_all().write().op(op_code::read).op(op_code::read)).code, 4u);
    EXPECT_EQ(run(ask(key_).read_all().write().op(op_code::read).op(op_code::read, {}, "a")).code, 4u);
    EXPECT_EQ(run(ask(key_).read_all().write(info2::respond_all_ops).op(op_code::read)).code, 4u);
}

TEST_F(ApplyOps, AFailingOperationUndoesAllBeforeIt) {
    run(write().put("a", 1));
    const told failed = run(write().put("a", 2).put("b", 2).op(op_code::append, particle::string, "a", "x"));
    EXPECT_EQ(failed.code, 12u);
    EXPECT_EQ(failed.generation, 1u);
    EXPECT_EQ(get().integers(), (values{{"a", 1}}));
}

TEST_F(ApplyOps, CountersWrapAndStartFromTheOperand) {
    run(write().put("a", INT64_MAX).op(op_code::incr, particle::integer, "new", integer(3)));
    run(write().op(op_code::incr, particle::integer, "a", integer(1)));
    EXPECT_EQ(get().integers(), (values{{"a", uint64_t{1} << 63}, {"new", 3}}));
    EXPECT_EQ(run(write().op(op_code::incr, particle::floating, "a", integer(1))).code, 12u);
    EXPECT_EQ(run(write().op(op_code::incr, particle::string, "a", "1")).code, 12u);
    EXPECT_EQ(run(write().op(op_code::incr, particle::integer, "a", "123")).code, 4u);
}

TEST_F(ApplyOps, TextIsJoinedAtBothEnds) {
    run(write().op(op_code::write, particle::string, "s", "b").op(op_code::append, particle::string, "s", "c"));
    run(write().op(op_code::prepend, particle::string, "s", "a").op(op_code::append, particle::string, "s", ""));
    EXPECT_EQ(get().ops[0].value, "abc");
    EXPECT_EQ(run(write().op(op_code::append, particle::blob, "s", "c")).code, 12u);
}

TEST_F(ApplyOps, DeletingTheLastBinDeletesTheRecord) {
    run(write().put("a", 1));
    const told gone = run(write().op(op_code::write, particle::null, "a"));
    EXPECT_EQ(gone.code, 0u);
    EXPECT_EQ(gone.generation, 0u);
    EXPECT_EQ(get().code, 2u);
    EXPECT_EQ(run(write().op(op_code::write, particle::null, "a")).code, 2u);
}

TEST_F(ApplyOps, DeleteAllMakesRoomForWhatFollows) {
    run(write().put("a", 1).put("b", 2));
    run(write().op(op_code::delete_all).put("c", 3));
    EXPECT_EQ(get().integers(), (values{{"c", 3}}));
}

TEST_F(ApplyOps, ADeletedBinsPlaceIsTakenByTheLast) {
    run(write().put("a", 1).put("b", 2).put("c", 3));
    run(write().op(op_code::write, particle::null, "a"));
    const auto ops = get().ops;
    ASSERT_EQ(ops.size(), 2u);
    EXPECT_EQ(ops[0].name, "c");
    EXPECT_EQ(ops[1].name, "b");
}

TEST_F(ApplyOps, ShortIntegersAreWidenedWithZeros) {
    run(write().op(op_code::write, particle::integer, "a", std::string("\xff\xff", 2)));
    EXPECT_EQ(get().integers().at("a"), 65535u);
    EXPECT_EQ(run(write().op(op_code::write, particle::integer, "a", "123")).code, 4u);
}

TEST_F(ApplyOps, ValuesAreCheckedByTheirType) {
    const struct {
        particle type;
        std::string value;
        unsigned code;
    } cases[] = {
        {particle::floating, "1234567", 4},
        {particle::boolean, "\2", 4},
        {particle::boolean, "\1", 0},
        {particle::list, "\x91", 1},
        {particle::map, "\x90", 1},
        {particle::list, "\x91\x05", 0},
        {particle::geojson, "ab", 4},
        {particle::geojson, std::string("\0\0\1abc", 6), 4},
        {particle::geojson, std::string("\0\0\0{}", 5), 160},
        {static_cast<particle>(5), "x", 4},
        {static_cast<particle>(99), "x", 4},
        {particle::blob, "", 0},
    };
    for (const auto& c : cases)
        EXPECT_EQ(run(write().op(op_code::write, c.type, "b", c.value)).code, c.code) << static_cast<int>(c.type);
}

TEST_F(ApplyOps, UnknownAndForeignOperationsAreRefused) {
    run(write().put("a", 1));
    EXPECT_EQ(run(write().op(static_cast<op_code>(6), {}, "a")).code, 4u);
    EXPECT_EQ(run(write().op(static_cast<op_code>(17), {}, "a")).code, 4u);
    EXPECT_EQ(run(write().op(op_code::cdt_modify, particle::blob, "a", "x")).code, 16u);
    EXPECT_EQ(run(ask(key_).read().op(op_code::exp_read, particle::blob, "a", "x")).code, 16u);
    EXPECT_EQ(run(write().op(op_code::write, particle::integer, "sixteen_bytes_xx", integer(1))).code, 21u);
    EXPECT_EQ(run(write()).code, 4u);
    EXPECT_EQ(run(write().op(op_code::write, particle::integer, "", integer(1))).code, 0u) << "an empty name is a name";
}

}  // namespace
}  // namespace aero_server
