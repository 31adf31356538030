using System.Buffers;

namespace ProtoServer;

/// <summary>A connection that speaks in messages, decoded and encoded by a reader and a writer of Bedrock.Framework's shape.</summary>
/// <typeparam name="T">What one message decodes to.</typeparam>
/// <remarks>
/// Loop thread only. The reader is asked again with each arrival, from the start of the message: one that drips in is decoded as often as it is cut,
/// unless the reader keeps state of its own. An EOF inside a message is a violation.
/// </remarks>
public abstract class MessageProtocol<T> : FramingProtocol
{
    private readonly IMessageReader<T> _reader;
    private readonly IMessageWriter<T> _writer;
    private int _maxMessageBytes = 64 * 1024;

    /// <summary>Takes the codec.</summary>
    protected MessageProtocol(IMessageReader<T> reader, IMessageWriter<T> writer)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(writer);
        _reader = reader;
        _writer = writer;
    }

    /// <summary>The longest encoded message, in bytes: the reader is shown no more than this. Default 65,536; at least 1; may be changed between messages.</summary>
    /// <remarks>
    /// When the reader finds no message in that many bytes, <see cref="FramingProtocol.ProtocolViolated"/> may answer, then the connection closes. From 1 MiB on raise
    /// <see cref="ConnectionOptions.InputLimitBytes"/> too, above this: the transport's limit ends the connection without an answer.
    /// </remarks>
    public int MaxMessageBytes
    {
        get => _maxMessageBytes;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            _maxMessageBytes = value;
        }
    }

    /// <summary>A message arrived.</summary>
    protected abstract void MessageReceived(T message);

    /// <summary>Encodes a message into the transport's output.</summary>
    /// <exception cref="InvalidOperationException">After <see cref="ITransport.WriteEof"/>.</exception>
    protected void SendMessage(T message) => _writer.WriteMessage(message, Transport.Output);

    /// <inheritdoc/>
    protected sealed override SequencePosition Deliver(in ReadOnlySequence<byte> data)
    {
        ReadOnlySequence<byte> rest = data;
        while (true)
        {
            // Cut even where more is at hand: what a limit admits must not depend on how the network cut the bytes.
            bool full = rest.Length >= _maxMessageBytes;
            ReadOnlySequence<byte> input = full ? rest.Slice(0, _maxMessageBytes) : rest;
            SequencePosition consumed = input.Start;
            if (!TryParse(input, ref consumed, out T? message))
            {
                if (full && rest.Length > _maxMessageBytes && input.Slice(0, consumed).IsEmpty)
                {
                    Violate($"message longer than {_maxMessageBytes} bytes");
                }

                if (!full || input.Slice(0, consumed).IsEmpty)
                {
                    return consumed;
                }

                // Something was skipped, so bytes behind the cut may complete a message now.
                rest = rest.Slice(consumed);
                if (rest.IsEmpty)
                {
                    return rest.Start;
                }

                continue;
            }

            if (input.Slice(0, consumed).IsEmpty)
            {
                throw new InvalidOperationException($"{_reader.GetType()} returned a message and consumed nothing; set consumed behind the message.");
            }

            rest = rest.Slice(consumed);
            MessageReceived(message!);
            if (rest.IsEmpty || !MayDeliver)
            {
                return rest.Start;
            }
        }
    }

    /// <inheritdoc/>
    protected sealed override void EndInsideFrame(in ReadOnlySequence<byte> unconsumed) => Violate("EOF inside a message");

    private bool TryParse(in ReadOnlySequence<byte> input, ref SequencePosition consumed, out T? message)
    {
        SequencePosition examined = input.End;
        try
        {
            return _reader.TryParseMessage(input, ref consumed, ref examined, out message);
        }
        catch (ProtocolViolationException violation)
        {
            ProtocolViolated(violation);
            throw;
        }
        catch (InvalidDataException notAMessage)
        {
            Violate(notAMessage.Message, notAMessage);
            throw;
        }
    }
}
