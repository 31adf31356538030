using KeyValue.Store;
using Resp;

namespace KeyValue.Commands;

/// <summary>The words that may follow SET and GETEX.</summary>
internal readonly struct SetOptions
{
    /// <summary>Which words a command knows.</summary>
    [Flags]
    public enum Words
    {
        Time = 1,
        Keep = 2,
        Condition = 4,
        Persist = 8,
    }

    public const Words AllOfSet = Words.Time | Words.Keep | Words.Condition;

    public const Words AllOfGetEx = Words.Time | Words.Persist;

    private readonly int _time;
    private readonly long _unit;

    /// <summary>Unix time in milliseconds; 0 for none, and until <see cref="TryResolve"/>.</summary>
    public long Deadline { get; init; }

    /// <summary>Whether it was given as a date.</summary>
    public bool IsDate { get; init; }

    public bool KeepsDeadline { get; init; }

    public bool Persists { get; init; }

    public bool OnlyIfMissing { get; init; }

    public bool OnlyIfPresent { get; init; }

    public bool ReturnsOld { get; init; }

    private SetOptions(int time, long unit)
    {
        _time = time;
        _unit = unit;
    }

    /// <summary>Reads the words; the time's value is left to <see cref="TryResolve"/>, because a missing key comes before a bad time.</summary>
    public static bool TryParse(scoped in CommandCall call, int first, Words words, out SetOptions options, ref RespWriter reply)
    {
        options = default;
        int time = 0;
        long unit = 0;
        bool isDate = false;
        bool keeps = false;
        bool persists = false;
        bool missing = false;
        bool present = false;
        bool old = false;
        for (int i = first; i < call.Count; i++)
        {
            bool conditions = (words & Words.Condition) != 0;
            bool hasTime = time != 0 || keeps || persists;
            if (conditions && !present && call.Is(i, "NX"u8))
            {
                missing = true;
            }
            else if (conditions && !missing && call.Is(i, "XX"u8))
            {
                present = true;
            }
            else if (conditions && call.Is(i, "GET"u8))
            {
                old = true;
            }
            else if ((words & Words.Keep) != 0 && !persists && time == 0 && call.Is(i, "KEEPTTL"u8))
            {
                keeps = true;
            }
            else if ((words & Words.Persist) != 0 && !keeps && time == 0 && call.Is(i, "PERSIST"u8))
            {
                persists = true;
            }
            else if (!hasTime && i + 1 < call.Count && TryUnit(in call, i, out unit, out isDate))
            {
                time = ++i;
            }
            else
            {
                call.Fail(ref reply, Errors.Syntax);
                return false;
            }
        }
        options = new SetOptions(time, unit)
        {
            IsDate = isDate,
            KeepsDeadline = keeps,
            Persists = persists,
            OnlyIfMissing = missing,
            OnlyIfPresent = present,
            ReturnsOld = old,
        };
        return true;
    }

    /// <summary>Reads the time, if there is one.</summary>
    public bool TryResolve(scoped in CommandCall call, out SetOptions resolved, ref RespWriter reply)
    {
        resolved = this;
        if (_time == 0)
        {
            return true;
        }
        if (!call.TryNumber(_time, out long value, ref reply) || !TryDeadline(in call, value, _unit, IsDate, out long deadline, ref reply))
        {
            return false;
        }
        resolved = this with { Deadline = deadline };
        return true;
    }

    /// <summary>Makes a deadline of a time in <paramref name="unit"/>s of milliseconds, or fails: it must lie after 0 and within 63 bits.</summary>
    public static bool TryDeadline(scoped in CommandCall call, long time, long unit, bool isDate, out long deadline, ref RespWriter reply)
    {
        WallClock clock = call.Space.Clock;
        deadline = 0;
        if (time <= 0 || time > long.MaxValue / unit || (!isDate && time * unit > long.MaxValue - clock.Steady))
        {
            call.Fail(ref reply, Errors.ExpireTime(call.Command));
            return false;
        }
        deadline = (time * unit) + (isDate ? 0 : clock.Steady);
        return true;
    }

    private static bool TryUnit(scoped in CommandCall call, int index, out long unit, out bool isDate)
    {
        isDate = call.Is(index, "EXAT"u8) || call.Is(index, "PXAT"u8);
        unit = call.Is(index, "EX"u8) || call.Is(index, "EXAT"u8) ? 1000 : 1;
        return isDate || unit == 1000 || call.Is(index, "PX"u8);
    }
}
