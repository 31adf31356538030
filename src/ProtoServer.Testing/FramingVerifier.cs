using System.Globalization;

namespace ProtoServer.Testing;

/// <summary>
/// Shows that a framing does not depend on how the network cuts: runs it over the same bytes whole, coalesced, in two pieces at every place, byte by byte,
/// in segments, cut by EOF at every place, beyond its limits, stopped in the middle of a buffer, and over garbage, and compares what it delivers and sends.
/// </summary>
/// <example>
/// <code>
/// var verifier = new FramingVerifier(log => new MyLines(log) { MaxLineBytes = 8 }) { EofInsideFrame = EofInsideFrame.Delivers };
/// verifier.Verify(
///     [new FramingVector("one\n"u8, "one"), new FramingVector("12345678\n"u8, "12345678")],
///     violations: ["123456789\n"u8.ToArray()]);
///
/// sealed class MyLines(DeliveryLog log) : LineProtocol
/// {
///     protected override void LineReceived(ReadOnlySpan&lt;byte> line) => log.Add(line);
/// }
/// </code>
/// </example>
/// <remarks>
/// The factory's protocol calls <c>DeliveryLog.Add</c> once for each frame, and may answer the frame afterwards. It must not depend on time or chance. Choose small limits: what is at and one beyond them belongs among the vectors and the violations.
/// </remarks>
public sealed partial class FramingVerifier
{
    // Every place of a long stream would take the square of its length, or its cube; its ends and a sample of the middle are tried instead.
    private const int EveryPlaceBytes = 2048;

    private static readonly int[] s_segmentBytes = [1, 2, 3, 5, 8, 64, 1000];

    private readonly Func<DeliveryLog, IProtocol> _factory;
    private int _runs;

    /// <summary>Takes the framing.</summary>
    /// <param name="factory">Makes the protocol of one connection, which writes what it is delivered into the log.</param>
    public FramingVerifier(Func<DeliveryLog, IProtocol> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        _factory = factory;
    }

    /// <summary>What an EOF inside a frame does. Default: it violates the protocol.</summary>
    public EofInsideFrame EofInsideFrame { get; init; } = EofInsideFrame.Violates;

    /// <summary>Where the pseudo-random numbers begin. Default 1. The same seed tries the same bytes.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How many streams of garbage are tried. Default 300; 0 tries none.</summary>
    public int GarbageRounds { get; init; } = 300;

    /// <summary>Runs everything.</summary>
    /// <param name="vectors">Frames, at least one, with what they deliver.</param>
    /// <param name="violations">Streams that break the protocol and deliver nothing, such as a frame one over the limit.</param>
    /// <returns>How many connections were run.</returns>
    /// <exception cref="FramingVerificationException">The framing delivered something else, or the same differently.</exception>
    public int Verify(IReadOnlyList<FramingVector> vectors, IReadOnlyList<byte[]>? violations = null)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        ArgumentOutOfRangeException.ThrowIfZero(vectors.Count, nameof(vectors));
        _runs = 0;
        foreach (FramingVector vector in vectors)
        {
            VerifyDelivery(vector.Wire.ToArray(), [vector.Delivered]);
        }

        byte[] stream = [.. vectors.SelectMany(vector => vector.Wire.ToArray())];
        VerifyDelivery(stream, [.. vectors.Select(vector => vector.Delivered)]);
        VerifyEof(stream, vectors);
        foreach (byte[] violation in violations ?? [])
        {
            VerifyViolation(violation, []);
            VerifyViolation([.. vectors[0].Wire.Span, .. violation], [vectors[0].Delivered]);
        }

        for (int count = 1; count <= vectors.Count; count++)
        {
            VerifyStops(stream, vectors, count);
        }

        VerifyPauses(stream, vectors);
        VerifyWriteFlowControl(stream, vectors);
        VerifyGarbage(stream, violations ?? []);
        return _runs;
    }

    private void VerifyDelivery(byte[] stream, string[] expected)
    {
        FramingOutcome whole = Run("whole", stream, run => run.Feed(stream, []));
        if (!whole.Delivered.SequenceEqual(expected) || whole.Violation is not null)
        {
            Fail("whole", stream, $"deliver {expected.Length} [{string.Join(" | ", expected)}] and no violation", whole.ToString());
        }

        VerifyCuts(stream, whole);
    }

    private void VerifyViolation(byte[] stream, string[] expected)
    {
        FramingOutcome whole = Run("whole", stream, run => run.Feed(stream, []));
        if (whole.Violation is null || !whole.Delivered.SequenceEqual(expected))
        {
            Fail("whole", stream, $"deliver {expected.Length} [{string.Join(" | ", expected)}] and a violation", whole.ToString());
        }

        VerifyCuts(stream, whole);
    }

    private void VerifyCuts(byte[] stream, FramingOutcome expected)
    {
        foreach (bool coalesces in (bool[])[true, false])
        {
            string kind = coalesces ? "one segment" : "a segment for each piece";
            foreach (int place in Places(stream.Length))
            {
                Compare($"in two pieces at {place}, {kind}", stream, expected, run => run.Feed(stream, [place]), coalesces);
            }

            Compare($"byte by byte, {kind}", stream, expected, run => run.Feed(stream, Places(stream.Length)), coalesces);
        }

        foreach (int segmentBytes in s_segmentBytes.Where(bytes => stream.Length / bytes <= EveryPlaceBytes))
        {
            Compare($"at once in segments of {segmentBytes}", stream, expected, run => run.FeedSegments(stream, segmentBytes), coalesces: false);
        }
    }

    private void VerifyEof(byte[] stream, IReadOnlyList<FramingVector> vectors)
    {
        foreach (int place in Places(stream.Length).Append(stream.Length))
        {
            byte[] cut = stream[..place];
            int frames = 0;
            int boundary = 0;
            while (frames < vectors.Count && boundary + vectors[frames].Wire.Length <= place)
            {
                boundary += vectors[frames++].Wire.Length;
            }

            FramingOutcome outcome = Run($"EOF at {place}", cut, run => run.Feed(cut, []).Transport.ReceiveEof());
            bool inside = boundary < place;
            int segmentBytes = place <= EveryPlaceBytes ? 1 : 1000;
            bool violates = inside && EofInsideFrame == EofInsideFrame.Violates;
            int delivered = frames + (inside && EofInsideFrame == EofInsideFrame.Delivers ? 1 : 0);
            if (!outcome.Ended || (outcome.Violation is not null) != violates || outcome.Delivered.Count != delivered
                || !outcome.Delivered.Take(frames).SequenceEqual(vectors.Take(frames).Select(vector => vector.Delivered)))
            {
                Fail($"EOF at {place}", cut, $"deliver {delivered} {(violates ? "and a violation" : "and no violation")}, and end", outcome.ToString());
            }

            Compare($"byte by byte, then EOF at {place}", cut, outcome, run => run.Feed(cut, Places(place)).Transport.ReceiveEof());
            Compare($"in segments, then EOF at {place}", cut, outcome, run => run.FeedSegments(cut, segmentBytes).Transport.ReceiveEof(), coalesces: false);
        }
    }

    private void VerifyGarbage(byte[] stream, IReadOnlyList<byte[]> violations)
    {
#pragma warning disable CA5394 // repeatable on purpose, not secret
        Random random = new(Seed);
        byte[][] pieces = [stream, .. violations];
        for (int round = 0; round < GarbageRounds; round++)
        {
            byte[] garbage = new byte[random.Next(1, 200)];
            random.NextBytes(garbage);

            // Two rounds in three are built from pieces of good and bad frames: pure noise seldom gets past the first byte of a grammar.
            for (int at = 0; round % 3 != 0 && at < garbage.Length;)
            {
                byte[] piece = pieces[random.Next(pieces.Length)];
                int start = random.Next(piece.Length);
                int length = Math.Min(random.Next(1, 20), Math.Min(piece.Length - start, garbage.Length - at));
                piece.AsSpan(start, length).CopyTo(garbage.AsSpan(at));
                at += length + (random.Next(4) == 0 ? 1 : 0);
            }

            int[] cuts = [.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(garbage.Length)).Order()];
            string how = string.Create(CultureInfo.InvariantCulture, $"garbage {round} of seed {Seed}");
            FramingOutcome whole = Run(how, garbage, run => run.Feed(garbage, []).Transport.ReceiveEof());
            Compare($"{how}, cut at {string.Join(' ', cuts)}", garbage, whole, run => FeedThenEof(run, garbage, cuts));
            Compare($"{how}, segments cut at {string.Join(' ', cuts)}", garbage, whole, run => FeedThenEof(run, garbage, cuts), coalesces: false);
        }
#pragma warning restore CA5394

        static void FeedThenEof(FramingRun run, byte[] garbage, int[] cuts)
        {
            run.Feed(garbage, cuts);
            run.Transport.ReceiveEof();
        }
    }

    private FramingRun Start(bool coalesces)
    {
        _runs++;
        return new FramingRun(_factory, coalesces);
    }

    private FramingOutcome Run(string how, byte[] stream, Action<FramingRun> feed, bool coalesces = true) => Guard(how, stream, () =>
    {
        FramingRun run = Start(coalesces);
        feed(run);
        return run.Outcome();
    });

    private void Compare(string how, byte[] stream, FramingOutcome expected, Action<FramingRun> feed, bool coalesces = true)
    {
        FramingOutcome outcome = Run(how, stream, feed, coalesces);
        if (!outcome.Equals(expected))
        {
            Fail(how, stream, expected.ToString(), outcome.ToString());
        }
    }

    private static T Guard<T>(string how, byte[] stream, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception exception) when (exception is not FramingVerificationException)
        {
            throw new FramingVerificationException($"Fed {how}, the framing threw {exception.GetType().Name}: {exception.Message} Bytes: {Shown(stream)}", exception);
        }
    }

    private static void Fail(string how, byte[] stream, string expected, string actual) =>
        throw new FramingVerificationException($"Fed {how}, the framing must: {expected}. It did: {actual}. Bytes: {Shown(stream)}");

    private static string Shown(byte[] stream) =>
        stream.Length <= 1000 ? DeliveryLog.Escape(stream) : $"{DeliveryLog.Escape(stream.AsSpan(0, 1000))}... ({stream.Length})";

    private IEnumerable<int> Places(int length)
    {
        if (length <= EveryPlaceBytes)
        {
            return Enumerable.Range(0, length);
        }

#pragma warning disable CA5394 // repeatable on purpose, not secret
        Random random = new(Seed);
        return Enumerable.Range(0, 64).Concat(Enumerable.Range(length - 64, 64)).Concat(Enumerable.Range(0, 64).Select(_ => random.Next(length))).Distinct().Order().ToArray();
#pragma warning restore CA5394
    }
}
