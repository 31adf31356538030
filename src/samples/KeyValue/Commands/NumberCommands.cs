using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using KeyValue.Store;
using Resp;

namespace KeyValue.Commands;

/// <summary>Commands on values that are numbers.</summary>
internal static class NumberCommands
{
    public static void Incr(scoped in CommandCall call, ref RespWriter reply) => Add(in call, 1, ref reply);

    public static void Decr(scoped in CommandCall call, ref RespWriter reply) => Add(in call, -1, ref reply);

    public static void IncrBy(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.TryNumber(2, out long increment, ref reply))
        {
            Add(in call, increment, ref reply);
        }
    }

    public static void DecrBy(scoped in CommandCall call, ref RespWriter reply)
    {
        if (!call.TryNumber(2, out long decrement, ref reply))
        {
            return;
        }
        if (decrement == long.MinValue)
        {
            // Its opposite is no 64-bit number.
            call.Fail(ref reply, Errors.DecrementOverflow);
            return;
        }
        Add(in call, -decrement, ref reply);
    }

    public static void IncrByFloat(scoped in CommandCall call, ref RespWriter reply)
    {
        Database database = call.Database;
        Span<byte> scratch = stackalloc byte[20];
        ref Entry entry = ref database.Peek(call[1]);
        double value = 0;
        if ((!Unsafe.IsNullRef(ref entry) && !CommandCall.TryFloat(entry.GetValue(scratch), out value)) || !CommandCall.TryFloat(call[2], out double increment))
        {
            call.Fail(ref reply, Errors.NotAFloat);
            return;
        }
        string? text = Sum(value, increment, Unsafe.IsNullRef(ref entry) ? "0" : Encoding.Latin1.GetString(entry.GetValue(scratch)), Encoding.Latin1.GetString(call[2]));
        if (text is null)
        {
            call.Fail(ref reply, Errors.NotFinite);
            return;
        }
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        entry = ref database.Edit(call[1], out _);
        entry.SetValue(bytes);
        database.Commit(ref entry);
        reply.Bulk(bytes);
    }

    private static void Add(scoped in CommandCall call, long increment, ref RespWriter reply)
    {
        Database database = call.Database;
        ref Entry entry = ref database.Peek(call[1]);
        long value = 0;
        if (!Unsafe.IsNullRef(ref entry))
        {
            if (entry.Bytes is null)
            {
                value = entry.Number;
            }
            else if (!Integers.TryParse(entry.Bytes.AsSpan(0, entry.Length), out value))
            {
                call.Fail(ref reply, Errors.NotAnInteger);
                return;
            }
        }
        long sum = unchecked(value + increment);
        if (((value ^ sum) & (increment ^ sum)) < 0)
        {
            call.Fail(ref reply, Errors.Overflow);
            return;
        }
        if (Unsafe.IsNullRef(ref entry))
        {
            entry = ref database.Edit(call[1], out _);
        }
        else
        {
            database.BeginChange(ref entry);
            entry.UsedAt = call.Space.Clock.Tenths;
        }
        entry.SetNumber(sum);
        database.Commit(ref entry);
        reply.Number(sum);
    }

    /// <summary>The sum without exponent, with at most 17 digits behind the point and no zeros at the end; null when it is not finite.</summary>
    private static string? Sum(double value, double increment, string valueText, string incrementText)
    {
        // Redis adds in 80 bits, so that 3 + 0.2 is 3.2: decimal gives the same for what fits it, and double takes the rest.
        if (TryDecimal(valueText, out decimal first) && TryDecimal(incrementText, out decimal second))
        {
            try
            {
                // ToString alone would round a half up, and Redis's printf rounds it to even: 1/41 - 1/41 must be 0.
                decimal sum = decimal.Round(first + second, 17, MidpointRounding.ToEven);
                return sum == 0 ? "0" : sum.ToString("0.#################", CultureInfo.InvariantCulture);
            }
            catch (OverflowException)
            {
                return null;
            }
        }
        double result = value + increment;
        return double.IsFinite(result) ? result.ToString("0.#################", CultureInfo.InvariantCulture) : null;
    }

    private static bool TryDecimal(string text, out decimal value) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && decimal.Abs(value) < 1e27m;
}
