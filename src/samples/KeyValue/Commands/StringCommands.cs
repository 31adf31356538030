using System.Runtime.CompilerServices;
using KeyValue.Store;
using Resp;

namespace KeyValue.Commands;

/// <summary>Commands on one value, or on several at once.</summary>
internal static class StringCommands
{
    public static void Get(scoped in CommandCall call, ref RespWriter reply) => WriteValue(ref call.Database.Find(call[1]), ref reply);

    public static void Set(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.Count == 3)
        {
            Store(in call, call[1], call[2]);
            reply.Ok();
            return;
        }
        if (!SetOptions.TryParse(in call, 3, SetOptions.AllOfSet, out SetOptions options, ref reply) || !options.TryResolve(in call, out options, ref reply))
        {
            return;
        }
        Database database = call.Database;
        ref Entry found = ref database.Find(call[1]);
        bool exists = !Unsafe.IsNullRef(ref found);
        bool goes = !(options.OnlyIfMissing && exists) && !(options.OnlyIfPresent && !exists);
        if (options.ReturnsOld)
        {
            WriteValue(ref found, ref reply);
        }
        else if (goes)
        {
            reply.Ok();
        }
        else
        {
            reply.Null();
        }
        if (goes)
        {
            Store(in call, call[1], call[2], options);
        }
    }

    public static void SetNx(scoped in CommandCall call, ref RespWriter reply)
    {
        bool goes = Unsafe.IsNullRef(ref call.Database.Peek(call[1]));
        if (goes)
        {
            Store(in call, call[1], call[2]);
        }
        reply.Number(goes ? 1 : 0);
    }

    public static void SetEx(scoped in CommandCall call, ref RespWriter reply) => SetWithTime(in call, 1000, ref reply);

    public static void PSetEx(scoped in CommandCall call, ref RespWriter reply) => SetWithTime(in call, 1, ref reply);

    public static void GetSet(scoped in CommandCall call, ref RespWriter reply)
    {
        WriteValue(ref call.Database.Find(call[1]), ref reply);
        Store(in call, call[1], call[2]);
    }

    public static void GetDel(scoped in CommandCall call, ref RespWriter reply)
    {
        ref Entry entry = ref call.Database.Find(call[1]);
        WriteValue(ref entry, ref reply);
        if (!Unsafe.IsNullRef(ref entry))
        {
            call.Database.Remove(call[1]);
        }
    }

    public static void GetEx(scoped in CommandCall call, ref RespWriter reply)
    {
        if (!SetOptions.TryParse(in call, 2, SetOptions.AllOfGetEx, out SetOptions options, ref reply))
        {
            return;
        }
        Database database = call.Database;
        ref Entry entry = ref database.Find(call[1]);
        if (Unsafe.IsNullRef(ref entry))
        {
            reply.Null();
            return;
        }
        if (!options.TryResolve(in call, out options, ref reply))
        {
            return;
        }
        WriteValue(ref entry, ref reply);
        if (options.Deadline != 0 && database.IsPast(options.Deadline - 1, options.IsDate))
        {
            database.Remove(call[1]);
        }
        else if (options.Deadline != 0 || (options.Persists && entry.ExpiresAt != 0))
        {
            database.BeginChange(ref entry);
            database.SetDeadline(ref entry, options.Deadline, options.IsDate);
            database.Commit(ref entry);
        }
    }

    public static void MGet(scoped in CommandCall call, ref RespWriter reply)
    {
        reply.Array(call.Count - 1);
        for (int i = 1; i < call.Count; i++)
        {
            WriteValue(ref call.Database.Find(call[i]), ref reply);
        }
    }

    public static void MSet(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.Count % 2 == 0)
        {
            call.Fail(ref reply, Errors.Arity(call.Command));
            return;
        }
        StorePairs(in call);
        reply.Ok();
    }

    public static void MSetNx(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.Count % 2 == 0)
        {
            call.Fail(ref reply, Errors.Arity(call.Command));
            return;
        }
        for (int i = 1; i < call.Count; i += 2)
        {
            if (!Unsafe.IsNullRef(ref call.Database.Peek(call[i])))
            {
                reply.Number(0);
                return;
            }
        }
        StorePairs(in call);
        reply.Number(1);
    }

    public static void Append(scoped in CommandCall call, ref RespWriter reply)
    {
        Database database = call.Database;
        ref Entry entry = ref database.Peek(call[1]);
        if (Unsafe.IsNullRef(ref entry))
        {
            Store(in call, call[1], call[2]);
            reply.Number(call[2].Length);
            return;
        }
        Span<byte> scratch = stackalloc byte[20];
        int old = entry.GetValue(scratch).Length;
        if (old + (long)call[2].Length > call.Server.Limits.MaxBulkBytes)
        {
            call.Fail(ref reply, Errors.TooLong);
            return;
        }
        entry = ref database.Edit(call[1], out _);
        call[2].CopyTo(entry.Edit(old + call[2].Length)[old..]);
        database.Commit(ref entry);
        reply.Number(old + call[2].Length);
    }

    public static void StrLen(scoped in CommandCall call, ref RespWriter reply)
    {
        Span<byte> scratch = stackalloc byte[20];
        ref Entry entry = ref call.Database.Find(call[1]);
        reply.Number(Unsafe.IsNullRef(ref entry) ? 0 : entry.GetValue(scratch).Length);
    }

    public static void GetRange(scoped in CommandCall call, ref RespWriter reply)
    {
        if (!call.TryNumber(2, out long start, ref reply) || !call.TryNumber(3, out long end, ref reply))
        {
            return;
        }
        Span<byte> scratch = stackalloc byte[20];
        ref Entry entry = ref call.Database.Find(call[1]);
        ReadOnlySpan<byte> value = Unsafe.IsNullRef(ref entry) ? default : entry.GetValue(scratch);
        if (start < 0 && end < 0 && start > end)
        {
            reply.Bulk(default);
            return;
        }
        start = Math.Max(start < 0 ? start + value.Length : start, 0);
        end = Math.Min(Math.Max(end < 0 ? end + value.Length : end, 0), value.Length - 1);
        reply.Bulk(start > end ? default : value[(int)start..((int)end + 1)]);
    }

    public static void SetRange(scoped in CommandCall call, ref RespWriter reply)
    {
        if (!call.TryNumber(2, out long offset, ref reply))
        {
            return;
        }
        if (offset < 0)
        {
            call.Fail(ref reply, Errors.Offset);
            return;
        }
        Database database = call.Database;
        Span<byte> scratch = stackalloc byte[20];
        ref Entry entry = ref database.Peek(call[1]);
        int old = Unsafe.IsNullRef(ref entry) ? 0 : entry.GetValue(scratch).Length;
        ReadOnlySpan<byte> piece = call[3];
        if (piece.IsEmpty)
        {
            reply.Number(old);
            return;
        }
        if (offset > call.Server.Limits.MaxBulkBytes - piece.Length)
        {
            call.Fail(ref reply, Errors.TooLong);
            return;
        }
        entry = ref EditString(database, call[1]);
        Span<byte> value = entry.Edit(Math.Max(old, (int)offset + piece.Length));
        piece.CopyTo(value[(int)offset..]);
        database.Commit(ref entry);
        reply.Number(value.Length);
    }

    public static void SetBit(scoped in CommandCall call, ref RespWriter reply)
    {
        if (!TryBitOffset(in call, out long offset, ref reply))
        {
            return;
        }
        if (call[3].Length != 1 || call[3][0] is not ((byte)'0' or (byte)'1'))
        {
            call.Fail(ref reply, Errors.Bit);
            return;
        }
        Database database = call.Database;
        Span<byte> scratch = stackalloc byte[20];
        ref Entry entry = ref database.Peek(call[1]);
        int old = Unsafe.IsNullRef(ref entry) ? 0 : entry.GetValue(scratch).Length;
        entry = ref EditString(database, call[1]);
        Span<byte> value = entry.Edit(Math.Max(old, (int)(offset >> 3) + 1));
        ref byte octet = ref value[(int)(offset >> 3)];
        int mask = 0x80 >> (int)(offset & 7);
        reply.Number((octet & mask) != 0 ? 1 : 0);
        octet = (byte)(call[3][0] == '1' ? octet | mask : octet & ~mask);
        database.Commit(ref entry);
    }

    public static void GetBit(scoped in CommandCall call, ref RespWriter reply)
    {
        if (!TryBitOffset(in call, out long offset, ref reply))
        {
            return;
        }
        Span<byte> scratch = stackalloc byte[20];
        ref Entry entry = ref call.Database.Find(call[1]);
        ReadOnlySpan<byte> value = Unsafe.IsNullRef(ref entry) ? default : entry.GetValue(scratch);
        int index = (int)(offset >> 3);
        reply.Number(index < value.Length && (value[index] & (0x80 >> (int)(offset & 7))) != 0 ? 1 : 0);
    }

    /// <summary>Writes a value, or that there is none.</summary>
    internal static void WriteValue(ref Entry entry, ref RespWriter reply)
    {
        if (Unsafe.IsNullRef(ref entry))
        {
            reply.Null();
        }
        else if (entry.Bytes is byte[] bytes)
        {
            reply.Bulk(bytes.AsSpan(0, entry.Length));
        }
        else
        {
            reply.BulkInteger(entry.Number);
        }
    }

    /// <summary>An entry to edit; one made anew holds the empty string, not the number 0.</summary>
    private static ref Entry EditString(Database database, ReadOnlySpan<byte> key)
    {
        ref Entry entry = ref database.Edit(key, out bool isNew);
        if (isNew)
        {
            entry.SetValue(default);
        }
        return ref entry;
    }

    private static void SetWithTime(scoped in CommandCall call, long unit, ref RespWriter reply)
    {
        if (!call.TryNumber(2, out long time, ref reply) || !SetOptions.TryDeadline(in call, time, unit, isDate: false, out long deadline, ref reply))
        {
            return;
        }
        Store(in call, call[1], call[3], new SetOptions { Deadline = deadline });
        reply.Ok();
    }

    private static void StorePairs(scoped in CommandCall call)
    {
        for (int i = 1; i < call.Count; i += 2)
        {
            Store(in call, call[i], call[i + 1]);
        }
    }

    private static void Store(scoped in CommandCall call, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, in SetOptions options = default)
    {
        Database database = call.Database;
        if (options.Deadline != 0 && database.IsPast(options.Deadline - 1, options.IsDate))
        {
            database.Remove(key);
            return;
        }
        ref Entry entry = ref database.Edit(key, out _);
        entry.SetValue(value);
        if (!options.KeepsDeadline && (options.Deadline != 0 || entry.ExpiresAt != 0))
        {
            database.SetDeadline(ref entry, options.Deadline, options.IsDate);
        }
        database.Commit(ref entry);
    }

    private static bool TryBitOffset(scoped in CommandCall call, out long offset, ref RespWriter reply)
    {
        if (Integers.TryParse(call[2], out offset) && offset >= 0 && offset >> 3 < call.Server.Limits.MaxBulkBytes)
        {
            return true;
        }
        call.Fail(ref reply, Errors.BitOffset);
        return false;
    }
}
