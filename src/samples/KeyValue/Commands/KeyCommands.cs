using System.Globalization;
using System.Runtime.CompilerServices;
using KeyValue.Store;
using Resp;

namespace KeyValue.Commands;

/// <summary>Commands on keys, whatever their values.</summary>
internal static class KeyCommands
{
    // Up to here Redis keeps a string in one piece with its header, and says so.
    private const int LongestEmbedded = 44;

    public static void Del(scoped in CommandCall call, ref RespWriter reply)
    {
        int removed = 0;
        for (int i = 1; i < call.Count; i++)
        {
            removed += call.Database.Remove(call[i]) ? 1 : 0;
        }
        reply.Number(removed);
    }

    public static void Exists(scoped in CommandCall call, ref RespWriter reply) => CountFound(in call, ref reply);

    public static void Touch(scoped in CommandCall call, ref RespWriter reply) => CountFound(in call, ref reply);

    public static void Type(scoped in CommandCall call, ref RespWriter reply) =>
        reply.Simple(Unsafe.IsNullRef(ref call.Database.Peek(call[1])) ? "none"u8 : "string"u8);

    public static void Keys(scoped in CommandCall call, ref RespWriter reply)
    {
        List<byte[]> keys = [];
        call.Database.Scan(0, int.MaxValue, keys);
        WriteKeys(in call, keys, call[1], ref reply);
    }

    public static void Scan(scoped in CommandCall call, ref RespWriter reply)
    {
        if (!ulong.TryParse(call[1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong cursor))
        {
            call.Fail(ref reply, Errors.Cursor);
            return;
        }
        ReadOnlySpan<byte> pattern = "*"u8;
        long count = 10;
        bool strings = true;
        for (int i = 2; i < call.Count; i += 2)
        {
            if (i + 1 == call.Count)
            {
                call.Fail(ref reply, Errors.Syntax);
                return;
            }
            if (call.Is(i, "COUNT"u8))
            {
                if (!call.TryNumber(i + 1, out count, ref reply))
                {
                    return;
                }
                if (count < 1)
                {
                    call.Fail(ref reply, Errors.Syntax);
                    return;
                }
            }
            else if (call.Is(i, "MATCH"u8))
            {
                pattern = call[i + 1];
            }
            else if (call.Is(i, "TYPE"u8))
            {
                strings = call.Is(i + 1, "string"u8);
            }
            else
            {
                call.Fail(ref reply, Errors.Syntax);
                return;
            }
        }
        List<byte[]> keys = [];
        cursor = call.Database.Scan(cursor, (int)Math.Min(count, int.MaxValue), keys);
        if (!strings)
        {
            keys.Clear();
        }
        Span<byte> digits = stackalloc byte[20];
        cursor.TryFormat(digits, out int length, default, CultureInfo.InvariantCulture);
        reply.Array(2);
        reply.Bulk(digits[..length]);
        WriteKeys(in call, keys, pattern, ref reply);
    }

    public static void RandomKey(scoped in CommandCall call, ref RespWriter reply)
    {
        while (true)
        {
            ref Entry entry = ref call.Database.Sample(call.Space.Random);
            if (Unsafe.IsNullRef(ref entry))
            {
                reply.Null();
                return;
            }
            // One that has expired goes with this look, so the search ends.
            byte[] key = entry.Key!;
            if (!Unsafe.IsNullRef(ref call.Database.Peek(key)))
            {
                reply.Bulk(key);
                return;
            }
        }
    }

    public static void Rename(scoped in CommandCall call, ref RespWriter reply)
    {
        if (Transfer(call.Database, call[1], call.Database, call[2], overwrites: true, keeps: false) == Transferred.NoSource)
        {
            call.Fail(ref reply, Errors.NoSuchKey);
            return;
        }
        reply.Ok();
    }

    public static void RenameNx(scoped in CommandCall call, ref RespWriter reply)
    {
        Transferred result = Transfer(call.Database, call[1], call.Database, call[2], overwrites: false, keeps: false);
        if (result == Transferred.NoSource)
        {
            call.Fail(ref reply, Errors.NoSuchKey);
            return;
        }
        reply.Number(result == Transferred.Yes ? 1 : 0);
    }

    public static void Copy(scoped in CommandCall call, ref RespWriter reply)
    {
        int number = call.Session.DatabaseNumber;
        bool replaces = false;
        for (int i = 3; i < call.Count; i++)
        {
            if (call.Is(i, "REPLACE"u8))
            {
                replaces = true;
            }
            else if (call.Is(i, "DB"u8) && i + 1 < call.Count)
            {
                if (!TryDatabase(in call, ++i, out number, ref reply))
                {
                    return;
                }
            }
            else
            {
                call.Fail(ref reply, Errors.Syntax);
                return;
            }
        }
        if (number == call.Session.DatabaseNumber && call[1].SequenceEqual(call[2]))
        {
            call.Fail(ref reply, Errors.SameObject);
            return;
        }
        reply.Number(Transfer(call.Database, call[1], call.Space[number], call[2], replaces, keeps: true) == Transferred.Yes ? 1 : 0);
    }

    public static void Move(scoped in CommandCall call, ref RespWriter reply)
    {
        if (!TryDatabase(in call, 2, out int number, ref reply))
        {
            return;
        }
        if (number == call.Session.DatabaseNumber)
        {
            call.Fail(ref reply, Errors.SameObject);
            return;
        }
        reply.Number(Transfer(call.Database, call[1], call.Space[number], call[1], overwrites: false, keeps: false) == Transferred.Yes ? 1 : 0);
    }

    public static void SwapDb(scoped in CommandCall call, ref RespWriter reply)
    {
        if (!Integers.TryParse(call[1], out long first) || first != (int)first)
        {
            call.Fail(ref reply, "ERR invalid first DB index"u8);
        }
        else if (!Integers.TryParse(call[2], out long second) || second != (int)second)
        {
            call.Fail(ref reply, "ERR invalid second DB index"u8);
        }
        else if (first is < 0 or >= KeySpace.DatabaseCount || second is < 0 or >= KeySpace.DatabaseCount)
        {
            call.Fail(ref reply, Errors.DatabaseNumber);
        }
        else
        {
            call.Space.Swap((int)first, (int)second);
            reply.Ok();
        }
    }

    public static void DbSize(scoped in CommandCall call, ref RespWriter reply) => reply.Number(call.Database.Count);

    public static void FlushDb(scoped in CommandCall call, ref RespWriter reply)
    {
        if (HasFlushWord(in call, ref reply))
        {
            call.Database.Clear();
            reply.Ok();
        }
    }

    public static void FlushAll(scoped in CommandCall call, ref RespWriter reply)
    {
        if (!HasFlushWord(in call, ref reply))
        {
            return;
        }
        for (int i = 0; i < KeySpace.DatabaseCount; i++)
        {
            call.Space[i].Clear();
        }
        reply.Ok();
    }

    public static void ObjectEncoding(scoped in CommandCall call, ref RespWriter reply)
    {
        ref Entry entry = ref call.Database.Peek(call[2]);
        if (Unsafe.IsNullRef(ref entry))
        {
            reply.Null();
        }
        else
        {
            reply.Bulk(entry.Bytes is null ? "int"u8 : entry.IsEdited || entry.Length > LongestEmbedded ? "raw"u8 : "embstr"u8);
        }
    }

    public static void ObjectRefCount(scoped in CommandCall call, ref RespWriter reply) => WriteOrNull(ref call.Database.Peek(call[2]), 1, ref reply);

    public static void ObjectIdleTime(scoped in CommandCall call, ref RespWriter reply)
    {
        ref Entry entry = ref call.Database.Peek(call[2]);
        WriteOrNull(ref entry, Unsafe.IsNullRef(ref entry) ? 0 : (call.Space.Clock.Tenths - entry.UsedAt) / 10, ref reply);
    }

    public static void ObjectFreq(scoped in CommandCall call, ref RespWriter reply)
    {
        if (Unsafe.IsNullRef(ref call.Database.Peek(call[2])))
        {
            reply.Null();
            return;
        }
        call.Fail(ref reply, "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."u8);
    }

    public static void MemoryUsage(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.Count != 3 && !(call.Count == 5 && call.Is(3, "SAMPLES"u8)))
        {
            call.Fail(ref reply, Errors.Syntax);
            return;
        }
        if (call.Count == 5)
        {
            // Accepted, and without effect: a value is one piece, which is counted whole.
            if (!call.TryNumber(4, out long samples, ref reply))
            {
                return;
            }
            if (samples < 0)
            {
                call.Fail(ref reply, Errors.Syntax);
                return;
            }
        }
        ref Entry entry = ref call.Database.Peek(call[2]);
        WriteOrNull(ref entry, Unsafe.IsNullRef(ref entry) ? 0 : entry.MemoryBytes, ref reply);
    }

    /// <summary>Reads the number of a database, or fails.</summary>
    internal static bool TryDatabase(scoped in CommandCall call, int index, out int number, ref RespWriter reply)
    {
        if (!call.TryInt32(index, out number, ref reply))
        {
            return false;
        }
        if (number is < 0 or >= KeySpace.DatabaseCount)
        {
            call.Fail(ref reply, Errors.DatabaseNumber);
            return false;
        }
        return true;
    }

    private static void CountFound(scoped in CommandCall call, ref RespWriter reply)
    {
        int found = 0;
        for (int i = 1; i < call.Count; i++)
        {
            found += Unsafe.IsNullRef(ref call.Database.Find(call[i])) ? 0 : 1;
        }
        reply.Number(found);
    }

    private static void WriteKeys(scoped in CommandCall call, List<byte[]> keys, ReadOnlySpan<byte> pattern, ref RespWriter reply)
    {
        int kept = 0;
        bool all = pattern.SequenceEqual("*"u8);
        for (int i = 0; i < keys.Count; i++)
        {
            if ((all || Glob.IsMatch(pattern, keys[i])) && !Unsafe.IsNullRef(ref call.Database.Peek(keys[i])))
            {
                keys[kept++] = keys[i];
            }
        }
        reply.Array(kept);
        for (int i = 0; i < kept; i++)
        {
            reply.Bulk(keys[i]);
        }
    }

    private static void WriteOrNull(ref Entry entry, long value, ref RespWriter reply)
    {
        if (Unsafe.IsNullRef(ref entry))
        {
            reply.Null();
        }
        else
        {
            reply.Number(value);
        }
    }

    private static bool HasFlushWord(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.Count == 1 || (call.Count == 2 && (call.Is(1, "ASYNC"u8) || call.Is(1, "SYNC"u8))))
        {
            return true;
        }
        call.Fail(ref reply, Errors.Syntax);
        return false;
    }

    private enum Transferred
    {
        NoSource,
        TargetExists,
        Yes,
    }

    private static Transferred Transfer(Database from, ReadOnlySpan<byte> source, Database to, ReadOnlySpan<byte> target, bool overwrites, bool keeps)
    {
        ref Entry entry = ref from.Peek(source);
        if (Unsafe.IsNullRef(ref entry))
        {
            return Transferred.NoSource;
        }
        // Removing an expired target may move the source's slot, so that comes first.
        bool exists = !Unsafe.IsNullRef(ref to.Peek(target));
        if (exists && !overwrites)
        {
            return Transferred.TargetExists;
        }
        if (ReferenceEquals(from, to) && source.SequenceEqual(target))
        {
            return Transferred.Yes;
        }
        Entry copy = from.Peek(source);
        if (!keeps)
        {
            from.Remove(source);
        }
        ref Entry moved = ref to.Edit(target, out _);
        moved.CopyValue(in copy, shares: !keeps);
        to.SetDeadline(ref moved, copy.ExpiresAt, copy.FollowsWallClock);
        to.Commit(ref moved);
        return Transferred.Yes;
    }
}
