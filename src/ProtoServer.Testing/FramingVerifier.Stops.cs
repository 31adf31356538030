using System.Buffers;

namespace ProtoServer.Testing;

// Delivery that must stop in the middle of a buffer, and go on where it stopped.
public sealed partial class FramingVerifier
{
    // After so many frames the protocol closes, or hands the connection over: nothing more may come, and the successor must get all of the rest.
    private void VerifyStops(byte[] stream, IReadOnlyList<FramingVector> vectors, int count)
    {
        int end = vectors.Take(count).Sum(vector => vector.Wire.Length);
        foreach (int segmentBytes in SegmentSizes(stream))
        {
            string how = $"in segments of {segmentBytes}, closed after frame {count}";
            FramingRun closed = Start(coalesces: false);
            closed.Delivered = delivered => CloseAfter(closed.Transport, delivered, count);
            FramingOutcome outcome = Guard(how, stream, () => closed.FeedSegments(stream, segmentBytes).Outcome());
            if (outcome.Delivered.Count != count || outcome.Violation is not null)
            {
                Fail(how, stream, $"deliver {count}", outcome.ToString());
            }

            how = $"in segments of {segmentBytes}, handed over after frame {count}";
            RestCollector successor = new();
            FramingRun handed = Start(coalesces: false);
            handed.Delivered = delivered => HandOverAfter(handed.Transport, successor, delivered, count);
            outcome = Guard(how, stream, () => handed.FeedSegments(stream, segmentBytes).Outcome());
            if (outcome.Delivered.Count != count || !successor.Rest.Span.SequenceEqual(stream.AsSpan(end)))
            {
                Fail(how, stream, $"deliver {count} and leave {stream.Length - end} bytes to the successor", $"{outcome}, left {successor.Rest.Length}");
            }
        }

        static void CloseAfter(MemoryTransport transport, int delivered, int count)
        {
            if (delivered == count)
            {
                transport.Close();
            }
        }

        static void HandOverAfter(MemoryTransport transport, IProtocol successor, int delivered, int count)
        {
            if (delivered == count)
            {
                transport.Protocol = successor;
            }
        }
    }

    // Reading is paused inside each delivery: exactly one frame may come for each resume.
    private void VerifyPauses(byte[] stream, IReadOnlyList<FramingVector> vectors)
    {
        foreach (int segmentBytes in SegmentSizes(stream))
        {
            string how = $"in segments of {segmentBytes}, reading paused after each frame";
            FramingRun run = Start(coalesces: false);
            run.Delivered = _ => run.Transport.PauseReading();
            Guard(how, stream, () => run.FeedSegments(stream, segmentBytes));
            for (int count = 1; count <= vectors.Count; count++)
            {
                if (run.Log.Entries.Count != count)
                {
                    Fail(how, stream, $"have delivered {count}", $"{run.Log.Entries.Count}");
                }

                Guard(how, stream, () => Resume(run));
            }
        }

        static bool Resume(FramingRun run)
        {
            run.Transport.ResumeReading();
            run.Transport.RunPending();
            return true;
        }
    }

    // The peer reads nothing and the first unsent byte pauses: a framing that answers must stop after each answer, and lose none.
    private void VerifyWriteFlowControl(byte[] stream, IReadOnlyList<FramingVector> vectors)
    {
        const string How = "by a peer that does not read, with a high-water mark of 0";
        FramingOutcome expected = Run("whole", stream, run => run.Feed(stream, []));
        FramingRun run = Start(coalesces: true);
        run.Transport.SetWriteBufferLimits(0);
        run.Transport.PeerReads = false;
        int deliveredBefore = 0;
        run.Delivered = count =>
        {
            if (run.Transport.WriteBufferSize > 0)
            {
                Fail(How, stream, "have paused at its answer to the frame before", $"frame {count}");
            }
        };

        Guard(How, stream, () => run.Feed(stream, []));
        List<byte> sent = [.. run.Transport.ReadSent()];
        while (run.Log.Entries.Count > deliveredBefore)
        {
            deliveredBefore = run.Log.Entries.Count;
            sent.AddRange(Guard(How, stream, () => run.Transport.ReadSent()));
        }

        string all = DeliveryLog.Escape([.. sent]);
        if (all != expected.Sent || deliveredBefore != vectors.Count)
        {
            Fail(How, stream, expected.ToString(), $"{deliveredBefore} frames, sent \"{all}\"");
        }
    }

    private static int[] SegmentSizes(byte[] stream) => stream.Length <= EveryPlaceBytes ? [stream.Length, 1, 3] : [stream.Length, 1000];

    private sealed class RestCollector : IBufferedProtocol
    {
        private readonly ArrayBufferWriter<byte> _rest = new();

        public ReadOnlyMemory<byte> Rest => _rest.WrittenMemory;

        public void ConnectionMade(ITransport transport)
        {
        }

        public SequencePosition DataReceived(in ReadOnlySequence<byte> data)
        {
            foreach (ReadOnlyMemory<byte> segment in data)
            {
                _rest.Write(segment.Span);
            }

            return data.End;
        }

        public void ConnectionLost(Exception? exception)
        {
        }
    }
}
