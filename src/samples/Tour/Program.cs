using System.CommandLine;
using Tour;

var name = new Argument<string>("name")
{
    Description = "The program to run; all of them by default.",
    DefaultValueFactory = _ => "all",
};
name.AcceptOnlyFromAmong(["all", .. Section.All.Select(section => section.Name)]);
var cleanup = new Option<double>("--cleanup-seconds")
{
    Description = "long-running: how long its cleanup takes, for a second Ctrl-C to come in between.",
    DefaultValueFactory = _ => 0.2,
};
cleanup.Validators.Add(result =>
{
    if (result.GetValueOrDefault<double>() is not (>= 0 and <= 86_400))
    {
        result.AddError("--cleanup-seconds takes 0 to 86400, a day.");
    }
});
string contents = string.Join('\n', Section.All.Select(section => $"  {section.Name,-22}{section.Title}"));
var command = new RootCommand($"asyncio explained by small programs, in C# on ProtoServer:\n{contents}") { name, cleanup };
command.SetAction(parsed =>
{
    string chosen = parsed.GetRequiredValue(name);
    foreach (Section section in Section.All.Where(section => chosen == "all" || section.Name == chosen))
    {
        Console.WriteLine($"# {section.Name}: {section.Title}");
        if (chosen == "all" && section.EndsBySignal)
        {
            Console.WriteLine($"(runs until Ctrl-C: give its name, {section.Name})");
        }
        else if (section.EndsBySignal)
        {
            LongRunning.Run(Console.Out, TimeSpan.FromSeconds(parsed.GetRequiredValue(cleanup)));
        }
        else
        {
            section.Run(Console.Out);
        }
        Console.WriteLine();
    }
});
return command.Parse(args).Invoke();
