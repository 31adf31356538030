using System.Runtime.CompilerServices;
using KeyValue.Store;
using Resp;

namespace KeyValue.Commands;

/// <summary>Commands on deadlines.</summary>
internal static class ExpiryCommands
{
    public static void Expire(scoped in CommandCall call, ref RespWriter reply) => SetDeadline(in call, 1000, isDate: false, ref reply);

    public static void PExpire(scoped in CommandCall call, ref RespWriter reply) => SetDeadline(in call, 1, isDate: false, ref reply);

    public static void ExpireAt(scoped in CommandCall call, ref RespWriter reply) => SetDeadline(in call, 1000, isDate: true, ref reply);

    public static void PExpireAt(scoped in CommandCall call, ref RespWriter reply) => SetDeadline(in call, 1, isDate: true, ref reply);

    public static void Ttl(scoped in CommandCall call, ref RespWriter reply)
    {
        ref Entry entry = ref call.Database.Peek(call[1]);
        reply.Number(Missing(ref entry) ?? ((Math.Max(call.Database.TimeLeft(in entry), 0) + 500) / 1000));
    }

    public static void PTtl(scoped in CommandCall call, ref RespWriter reply)
    {
        ref Entry entry = ref call.Database.Peek(call[1]);
        reply.Number(Missing(ref entry) ?? Math.Max(call.Database.TimeLeft(in entry), 0));
    }

    public static void ExpireTime(scoped in CommandCall call, ref RespWriter reply)
    {
        ref Entry entry = ref call.Database.Peek(call[1]);
        reply.Number(Missing(ref entry) ?? ((call.Database.DeadlineOnDisk(in entry) + 500) / 1000));
    }

    public static void PExpireTime(scoped in CommandCall call, ref RespWriter reply)
    {
        ref Entry entry = ref call.Database.Peek(call[1]);
        reply.Number(Missing(ref entry) ?? call.Database.DeadlineOnDisk(in entry));
    }

    public static void Persist(scoped in CommandCall call, ref RespWriter reply)
    {
        Database database = call.Database;
        ref Entry entry = ref database.Peek(call[1]);
        if (Missing(ref entry) is not null)
        {
            reply.Number(0);
            return;
        }
        database.BeginChange(ref entry);
        database.SetDeadline(ref entry, 0, followsWallClock: false);
        database.Commit(ref entry);
        reply.Number(1);
    }

    private static long? Missing(ref Entry entry) => Unsafe.IsNullRef(ref entry) ? -2 : entry.ExpiresAt == 0 ? -1 : null;

    private static void SetDeadline(scoped in CommandCall call, long unit, bool isDate, ref RespWriter reply)
    {
        if (!TryConditions(in call, out Conditions conditions, ref reply) || !call.TryNumber(2, out long time, ref reply))
        {
            return;
        }
        // Unlike SET, a time in the past is allowed: it removes the key.
        long start = isDate ? 0 : call.Space.Clock.Steady;
        if (time > long.MaxValue / unit || time < long.MinValue / unit || time * unit > long.MaxValue - start)
        {
            call.Fail(ref reply, Errors.ExpireTime(call.Command));
            return;
        }
        long deadline = (time * unit) + start;
        Database database = call.Database;
        ref Entry entry = ref database.Peek(call[1]);
        if (Unsafe.IsNullRef(ref entry) || !Allows(conditions, database, in entry, isDate ? deadline : deadline + call.Space.Clock.Wall - call.Space.Clock.Steady))
        {
            reply.Number(0);
            return;
        }
        if (deadline <= 0 || database.IsPast(deadline - 1, isDate))
        {
            database.Remove(call[1]);
        }
        else
        {
            database.BeginChange(ref entry);
            database.SetDeadline(ref entry, deadline, isDate);
            database.Commit(ref entry);
        }
        reply.Number(1);
    }

    [Flags]
    private enum Conditions
    {
        None = 0,
        Missing = 1,
        Present = 2,
        Later = 4,
        Sooner = 8,
    }

    private static bool TryConditions(scoped in CommandCall call, out Conditions conditions, ref RespWriter reply)
    {
        conditions = Conditions.None;
        for (int i = 3; i < call.Count; i++)
        {
            Conditions condition =
                call.Is(i, "NX"u8) ? Conditions.Missing :
                call.Is(i, "XX"u8) ? Conditions.Present :
                call.Is(i, "GT"u8) ? Conditions.Later :
                call.Is(i, "LT"u8) ? Conditions.Sooner : Conditions.None;
            if (condition == Conditions.None)
            {
                call.Fail(ref reply, $"ERR Unsupported option {Errors.Quote(call[i])}");
                return false;
            }
            conditions |= condition;
        }
        if ((conditions & Conditions.Missing) != 0 && conditions != Conditions.Missing)
        {
            call.Fail(ref reply, Errors.ExpiryOptions);
            return false;
        }
        if ((conditions & Conditions.Later) != 0 && (conditions & Conditions.Sooner) != 0)
        {
            call.Fail(ref reply, "ERR GT and LT options at the same time are not compatible");
            return false;
        }
        return true;
    }

    /// <summary>A key without a deadline lives for ever, so no deadline is later and any is sooner.</summary>
    private static bool Allows(Conditions conditions, Database database, in Entry entry, long date)
    {
        long current = database.DeadlineOnDisk(in entry);
        return !((conditions & Conditions.Missing) != 0 && current != 0)
            && !((conditions & Conditions.Present) != 0 && current == 0)
            && !((conditions & Conditions.Later) != 0 && (current == 0 || date <= current))
            && !((conditions & Conditions.Sooner) != 0 && current != 0 && date >= current);
    }
}
