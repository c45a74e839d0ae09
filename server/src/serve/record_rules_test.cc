// The rules of reading, writing and deleting one record, asked of an engine without any network.
#include "serve/record_rules.h"

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
namespace info1 = aero::wire::info1;
namespace info2 = aero::wire::info2;
namespace info3 = aero::wire::info3;

class RecordRules : public ::testing::Test {
  protected:
    RecordRules() { ring_.form(); }
    told run(ask& what) { return testing::run(node_, what); }
    told run(ask&& what) { return testing::run(node_, what); }
    told put(uint64_t value) { return run(ask(key_).write().put("a", value)); }
    told get() { return run(ask(key_).read_all()); }

    options how_;
    server_clock clock_;
    engine node_{0, how_, clock_};
    cluster ring_{how_, {"A1"}, {&node_}};
    const aero::wire::digest key_ = key_in(5);
};

TEST_F(RecordRules, APutIsReadBack) {
    EXPECT_EQ(get().code, 2u);
    const told written = put(7);
    EXPECT_EQ(written.code, 0u);
    EXPECT_EQ(written.generation, 1u);
    EXPECT_TRUE(written.ops.empty());
    EXPECT_EQ(get().ops, (std::vector<told_op>{{op_code::read, particle::integer, "a", integer(7)}}));
}

TEST_F(RecordRules, UnknownNamespaceIsRefused) { EXPECT_EQ(run(ask(key_).read_all().name_space("other")).code, 20u); }

TEST_F(RecordRules, AMessageThatNeitherReadsNorWritesIsRefused) { EXPECT_EQ(run(ask(key_)).code, 4u); }

TEST_F(RecordRules, FiltersAreRefusedRatherThanIgnored) {
    put(1);
    EXPECT_EQ(run(ask(key_).read_all().filter()).code, 4u);
    EXPECT_EQ(run(ask(key_).write().put("a", 2).filter()).code, 4u);
    EXPECT_EQ(run(ask(key_).write(info2::delete_record).filter()).code, 4u);
    EXPECT_EQ(get().integers().at("a"), 1u);
}

TEST_F(RecordRules, ReadsAnswerEachOperationThatFindsSomething) {
    run(ask(key_).write().put("a", 1).put("b", 2));
    const told some =
        run(ask(key_).read().op(op_code::read, {}, "b").op(op_code::read, {}, "x").op(op_code::read, {}, "b"));
    ASSERT_EQ(some.ops.size(), 2u);
    EXPECT_EQ(some.ops[0].name, "b");
    EXPECT_EQ(some.ops[1].name, "b");
    EXPECT_EQ(run(ask(key_).read()).code, 4u);  // no operation, no flag
    EXPECT_EQ(run(ask(key_).read().op(op_code::write, particle::integer, "a", integer(1))).code, 4u);
    EXPECT_EQ(run(ask(key_).read().op(op_code::read, {}, "sixteen_bytes_xx")).code, 21u);
    EXPECT_TRUE(run(ask(key_).read(info1::get_no_bins)).ops.empty());
}

TEST_F(RecordRules, TheSetMustBeTheRecordsOwn) {
    put(1);
    EXPECT_EQ(run(ask(key_).read_all().set("other")).code, 4u);
    EXPECT_EQ(run(ask(key_).read_all().set("")).code, 0u);
    EXPECT_EQ(run(ask(key_).write().put("a", 2).set("")).code, 4u);
    EXPECT_EQ(run(ask(key_).write(info2::delete_record).set("other")).code, 4u);
    EXPECT_EQ(run(ask(key_).write(info2::delete_record).set("")).code, 0u);
}

TEST_F(RecordRules, ExistencePoliciesHold) {
    EXPECT_EQ(run(ask(key_).write(0, info3::update_only).put("a", 1)).code, 2u);
    EXPECT_EQ(run(ask(key_).write(0, info3::replace_only).put("a", 1)).code, 2u);
    EXPECT_EQ(run(ask(key_).write(info2::create_only).put("a", 1)).code, 0u);
    EXPECT_EQ(run(ask(key_).write(info2::create_only).put("a", 2)).code, 5u);
    EXPECT_EQ(run(ask(key_).write(0, info3::update_only).put("b", 2)).code, 0u);
    EXPECT_EQ(run(ask(key_).write(0, info3::create_or_replace).put("c", 3)).code, 0u);
    EXPECT_EQ(get().integers(), (std::map<std::string, uint64_t>{{"c", 3}}));
    EXPECT_EQ(run(ask(key_).write(0, info3::replace_only).op(op_code::incr, particle::integer, "c", integer(1))).code,
              4u);
    EXPECT_EQ(run(ask(key_).write(0, info3::replace_only).op(op_code::touch)).code, 4u);
}

TEST_F(RecordRules, GenerationsAreComparedInAllBits) {
    put(1);
    EXPECT_EQ(run(ask(key_).write(info2::generation).generation(9).put("a", 2)).code, 3u);
    EXPECT_EQ(run(ask(key_).write(info2::generation).generation(65537).put("a", 2)).code, 3u);
    EXPECT_EQ(run(ask(key_).write(info2::generation).generation(1).put("a", 2)).generation, 2u);
    EXPECT_EQ(run(ask(key_).write(info2::generation_gt).generation(2).put("a", 2)).code, 3u);
    EXPECT_EQ(run(ask(key_).write(info2::generation_gt).generation(65537).put("a", 2)).generation, 3u);
    EXPECT_EQ(run(ask(key_in(6)).write(info2::generation).generation(1).put("a", 2)).code, 3u);
    EXPECT_EQ(run(ask(key_in(6)).write(info2::generation).generation(0).put("a", 2)).code, 0u);
    EXPECT_EQ(next_generation(0xFFFF), 1u);
}

TEST_F(RecordRules, TtlsBecomeVoidTimes) {
    const uint32_t now_s = clock_.now_s();
    const told dated = run(ask(key_).write().ttl(1000).put("a", 1));
    EXPECT_GE(dated.void_time, now_s + 1000);
    EXPECT_LE(dated.void_time, now_s + 1001);
    EXPECT_EQ(run(ask(key_).write().ttl(0xFFFFFFFE).put("a", 1)).void_time, dated.void_time);
    EXPECT_EQ(run(ask(key_).write().ttl(0xFFFFFFFF).put("a", 1)).void_time, 0u);
    EXPECT_EQ(run(ask(key_).write().ttl(315360001).put("a", 9)).code, 4u);
    EXPECT_EQ(run(ask(key_).write().ttl(0xFFFFFFFD).put("a", 9)).code, 4u);
    EXPECT_EQ(run(ask(key_in(6)).write().ttl(0xFFFFFFFE).put("a", 1)).void_time, 0u);  // new: the default
}

TEST_F(RecordRules, ExpiredRecordsAreGoneAndStartAgain) {
    run(ask(key_).write().ttl(10).put("a", 1).put("b", 1));
    clock_.advance_ms(12'000);
    EXPECT_EQ(get().code, 2u);
    EXPECT_EQ(run(ask(key_).write(0, info3::update_only).put("a", 2)).code, 2u);
    EXPECT_EQ(run(ask(key_).write(info2::create_only).put("a", 2)).generation, 1u);
    EXPECT_EQ(get().integers(), (std::map<std::string, uint64_t>{{"a", 2}}));
}

TEST_F(RecordRules, AReadNearTheEndRenewsTheTtl) {
    run(ask(key_).write().ttl(100).put("a", 1));
    clock_.advance_ms(30'000);
    const uint32_t end = run(ask(key_).read_all().ttl(50)).void_time;
    EXPECT_EQ(get().void_time, end) << "70 of 100 seconds are left: too early at 50 %";
    clock_.advance_ms(30'000);
    EXPECT_EQ(run(ask(key_).read_all().ttl(50)).void_time, end) << "the reply shows the old end";
    const told renewed = get();
    EXPECT_GE(renewed.void_time, end + 59);
    EXPECT_EQ(renewed.generation, 1u);
    EXPECT_EQ(run(ask(key_).read_all().ttl(101)).code, 4u);
    EXPECT_EQ(run(ask(key_).read_all().ttl(0xFFFFFFFF)).code, 0u);
}

TEST_F(RecordRules, WithoutExpiryTtlsAreForbidden) {
    options strict;
    strict.nsup_period_s = 0;
    engine node(0, strict, clock_);
    cluster ring(strict, {"A1"}, {&node});
    ring.form();
    EXPECT_EQ(testing::run(node, ask(key_).write().ttl(10).put("a", 1)).code, 22u);
    EXPECT_EQ(testing::run(node, ask(key_).write().put("a", 1)).code, 0u);
}

TEST_F(RecordRules, StoredKeysAreKeptAndCompared) {
    run(ask(key_).write().put("a", 1));
    EXPECT_EQ(run(ask(key_).write().put("a", 1).stored_key("\3me")).code, 0u);
    EXPECT_EQ(run(ask(key_).write(0, info3::create_or_replace).put("a", 1)).code, 0u);
    EXPECT_EQ(run(ask(key_).read_all().stored_key("\3me")).code, 0u);
    EXPECT_EQ(run(ask(key_).read_all().stored_key("\3you")).code, 19u);
    EXPECT_EQ(run(ask(key_).write().put("a", 1).stored_key("\3you")).code, 19u);
    EXPECT_EQ(run(ask(key_).write(info2::delete_record).stored_key("\3you")).code, 19u);
    EXPECT_EQ(run(ask(key_in(6)).write().put("a", 1).stored_key("\3")).code, 16u);
}

TEST_F(RecordRules, DeletesTellNeitherGenerationNorEnd) {
    EXPECT_EQ(run(ask(key_).write(info2::delete_record)).code, 2u);
    put(1);
    const told refused = run(ask(key_).write(info2::delete_record | info2::generation).generation(7));
    EXPECT_EQ(refused.code, 3u);
    EXPECT_EQ(refused.generation, 0u);
    EXPECT_EQ(run(ask(key_).write(info2::delete_record | info2::durable_delete)).code, 25u);
    EXPECT_EQ(run(ask(key_).write(info2::delete_record)).code, 0u);
    EXPECT_EQ(get().code, 2u);
}

TEST_F(RecordRules, RecordsBeyondTheSizeLimitAreRefusedWhole) {
    put(1);
    const std::string big(1 << 20, 'x');
    EXPECT_EQ(run(ask(key_).write().op(op_code::write, particle::blob, "big", big)).code, 13u);
    const std::string fits((1 << 20) - 200, 'x');
    EXPECT_EQ(run(ask(key_).write().op(op_code::write, particle::blob, "big", fits)).code, 0u);
    EXPECT_EQ(run(ask(key_).write().op(op_code::append, particle::blob, "big", std::string(200, 'y'))).code, 13u);
    EXPECT_EQ(run(ask(key_).read().op(op_code::read, {}, "big")).ops[0].value.size(), fits.size());
}

}  // namespace
}  // namespace aero_server
