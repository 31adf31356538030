using System.Globalization;

namespace ProtoServer.LoadTest.Content;

/// <summary>Which of the keys a request takes: <c>uniform</c>, <c>zipf:1.0</c> or <c>seq</c>.</summary>
/// <remarks>
/// Zipf by rejection-inversion (W. Hörmann, G. Derflinger, 1996): no table, constant time. Rank 1 is the most popular; ranks are scattered over the keys,
/// so that popular keys are not neighbours.
/// </remarks>
internal sealed class KeyDistribution
{
    private readonly uint _keys;
    private readonly double _exponent;
    private readonly bool _sequential;
    private readonly double _integralAtOne;
    private readonly double _integralAtEnd;
    private readonly double _acceptance;
    private readonly int _connections;
    private readonly ulong _scatter = 2654435761;

    private KeyDistribution(uint keys, double exponent, bool sequential, int connections)
    {
        _keys = keys;
        _exponent = exponent;
        _sequential = sequential;
        _connections = connections;
        // A multiplication by a number that shares no factor with the count is a permutation.
        while (GreatestCommonDivisor(_scatter, keys) != 1)
        {
            _scatter += 2;
        }
        if (exponent > 0)
        {
            _integralAtOne = Integral(1.5) - 1;
            _integralAtEnd = Integral(keys + 0.5);
            _acceptance = 2 - InverseIntegral(Integral(2.5) - Weight(2));
        }
    }

    public static bool TryParse(string text, uint keys, int connections, out KeyDistribution? distribution)
    {
        distribution = null;
        if (text == "uniform")
        {
            distribution = new KeyDistribution(keys, 0, sequential: false, connections);
        }
        else if (text == "seq")
        {
            distribution = new KeyDistribution(keys, 0, sequential: true, connections);
        }
        else if (text.StartsWith("zipf", StringComparison.Ordinal))
        {
            double exponent = 1;
            bool good = text.Length == 4
                || (text[4] == ':' && double.TryParse(text.AsSpan(5), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out exponent));
            if (good && exponent is > 0 and <= 10)
            {
                distribution = new KeyDistribution(keys, exponent, sequential: false, connections);
            }
        }
        return distribution is not null;
    }

    /// <summary>A key from 0 to the number of keys - 1.</summary>
    public uint Pick(int seed, uint connection, uint sequence)
    {
        if (_sequential)
        {
            // The connections interleave, so that together they pass through all keys.
            return (uint)((connection + ((ulong)sequence * (uint)_connections)) % _keys);
        }
        ulong random = Mixing.Mix(seed ^ 0x5EED, connection, sequence);
        return _exponent > 0 ? Scatter(PickRank(random)) : Mixing.Below((uint)(random >> 32), _keys);
    }

    /// <summary>A rank from 1 on, most popular first.</summary>
    internal uint PickRank(ulong random)
    {
        while (true)
        {
            double u = _integralAtEnd + ((random >> 11) * (1.0 / (1UL << 53)) * (_integralAtOne - _integralAtEnd));
            double x = InverseIntegral(u);
            double rank = Math.Clamp(Math.Floor(x + 0.5), 1, _keys);
            if (rank - x <= _acceptance || u >= Integral(rank + 0.5) - Weight(rank))
            {
                return (uint)rank;
            }
            random = Mixing.Mix((int)random, (uint)(random >> 32), (uint)random);
        }
    }

    private uint Scatter(uint rank) => (uint)((rank - 1) * _scatter % _keys);

    private static ulong GreatestCommonDivisor(ulong a, ulong b)
    {
        while (b != 0)
        {
            (a, b) = (b, a % b);
        }
        return a;
    }

    private double Weight(double x) => Math.Exp(-_exponent * Math.Log(x));

    private double Integral(double x)
    {
        double log = Math.Log(x);
        double t = (1 - _exponent) * log;
        return log * (Math.Abs(t) > 1e-8 ? (Math.Exp(t) - 1) / t : 1 + (t / 2));
    }

    private double InverseIntegral(double x)
    {
        double t = Math.Max(-1, x * (1 - _exponent));
        return Math.Exp(x * (Math.Abs(t) > 1e-8 ? Math.Log(1 + t) / t : 1 - (t / 2)));
    }
}
